//! Drawn pages whose truth is known.
