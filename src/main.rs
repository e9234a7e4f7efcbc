//! The program: parses the command line and leaves with an exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    panelscope::model::settle_threads();
    panelscope::cli::main()
}
