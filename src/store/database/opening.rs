//! Opening a file that is ours alone, or a server.

use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use sqlx::AnyPool;
use sqlx::Executor as _;
use sqlx::any::AnyPoolOptions;

use crate::store::database::DatabaseError;
use crate::store::database::Url;
use crate::store::database::error::failed;

/// Keeps other processes out of the file at `path`, for as long as the answer is held.
pub(super) fn lock(path: &Path) -> Result<File, DatabaseError> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".lock");
    let beside = PathBuf::from(beside);
    let unusable = |path: &Path, cause| DatabaseError::File {
        path: path.to_owned(),
        cause,
    };
    let file = for_our_eyes(&beside).map_err(|cause| unusable(&beside, cause))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(std::fs::TryLockError::WouldBlock) => {
            return Err(DatabaseError::InUse {
                path: path.to_owned(),
            });
        }
        Err(std::fs::TryLockError::Error(cause)) => return Err(unusable(&beside, cause)),
    }
    // SQLite would take it for a new database, and what was lost with the rest of
    // it for never having been there.
    if let Ok(found) = std::fs::metadata(path)
        && found.len() < LEAST_BYTES
    {
        return Err(DatabaseError::CutShort {
            path: path.to_owned(),
            bytes: found.len(),
        });
    }
    // Made before SQLite makes it, so that nobody else may ever read it.
    let _made = for_our_eyes(path).map_err(|cause| unusable(path, cause))?;
    Ok(file)
}

fn for_our_eyes(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)
}

pub(super) async fn open_file(path: &Path) -> Result<AnyPool, DatabaseError> {
    let absolute = std::path::absolute(path).map_err(|cause| DatabaseError::File {
        path: path.to_owned(),
        cause,
    })?;
    let url = format!("sqlite://{}", escaped(&absolute.to_string_lossy()));
    let pool = AnyPoolOptions::new()
        // One writer at a time is all that SQLite has; a second connection
        // would only be told that it is busy.
        .max_connections(1)
        .acquire_timeout(WAIT_FOR_CONNECTION)
        .after_connect(|connection, _| {
            Box::pin(async move {
                // A commit is on the disk when it returns, also after a power failure.
                connection
                    .execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 5000; PRAGMA foreign_keys = ON;")
                    .await?;
                Ok(())
            })
        })
        .connect(&url)
        .await
        .map_err(failed)?;
    let said: String = sqlx::query_scalar("PRAGMA quick_check(1)")
        .fetch_one(&pool)
        .await
        .map_err(failed)?;
    if said != "ok" {
        return Err(DatabaseError::Damaged {
            path: path.to_owned(),
            said,
        });
    }
    Ok(pool)
}

pub(super) async fn open_server(url: &Url) -> Result<AnyPool, DatabaseError> {
    AnyPoolOptions::new()
        .max_connections(MOST_CONNECTIONS)
        .acquire_timeout(WAIT_FOR_CONNECTION)
        .connect(url.as_str())
        .await
        .map_err(failed)
}

/// A path as a URL may hold it.
fn escaped(path: &str) -> String {
    path.replace('%', "%25")
        .replace('?', "%3F")
        .replace('#', "%23")
}

/// A database that does not answer for so long is down.
const WAIT_FOR_CONNECTION: Duration = Duration::from_secs(5);

/// More would not make a database faster that signs nothing itself.
const MOST_CONNECTIONS: u32 = 16;

/// One page of the smallest size that SQLite knows.
const LEAST_BYTES: u64 = 512;
