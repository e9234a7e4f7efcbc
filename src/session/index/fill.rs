//! Sessions that lie nowhere, put into an index: for tests and measures of screens.

use super::open::{Index, broken};
use super::put::{Prepared, Writer};
use super::scan::{Found, Stamp};
use crate::config::Thresholds;
use crate::session::error::SessionError;
use crate::session::{LogFile, SessionStore, SessionSummary};

impl Index {
    /// An index in memory of these sessions. It must not be refreshed: their files are not there.
    ///
    /// # Errors
    /// [`SessionError::Index`].
    #[doc(hidden)]
    pub fn filled(store: &SessionStore, sessions: &[(LogFile, SessionSummary)]) -> Result<Self, SessionError> {
        let mut index = Self::in_memory(store, Thresholds::default())?;
        let mut writer = Writer::default();
        let mut write = |index: &mut Self| -> rusqlite::Result<()> {
            let tx = index.db.transaction()?;
            for (log, summary) in sessions {
                let sql = "INSERT INTO folders(name, stamp) VALUES(?1, 0) ON CONFLICT(name) DO UPDATE SET stamp = 0 RETURNING id";
                let folder = tx.prepare_cached(sql)?.query_row([&log.sub], |row| row.get(0))?;
                let found = Found { live: log.live, stamp: Stamp { size: 0, time: 0 }, notes: None };
                writer.put(&tx, folder, None, Prepared::of(log.id.clone(), found, summary, Some(String::new())))?;
            }
            writer.flush(&tx)?;
            tx.commit()
        };
        write(&mut index).map_err(|e| broken(&e))?;
        Ok(index)
    }
}
