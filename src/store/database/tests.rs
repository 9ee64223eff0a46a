//! The database against its promises.

use std::path::Path;

use super::*;

async fn open(path: &Path) -> Result<Database, DatabaseError> {
    let path = path.to_owned();
    Database::open(
        DatabaseSettings::Sqlite { path },
        &["CREATE TABLE thing (name TEXT PRIMARY KEY, size BIGINT)"],
    )
    .await
}

async fn add(database: &Database, name: &str) -> Result<i64, DatabaseError> {
    let mut change = database.begin().await?;
    sqlx::query("INSERT INTO thing (name, size) VALUES ($1, $2)")
        .bind(name.to_owned())
        .bind(7_i64)
        .execute(change.connection())
        .await?;
    change.commit().await
}

#[tokio::test]
async fn a_change_moves_the_version_and_a_dropped_one_leaves_no_trace() {
    let dir = tempfile::tempdir().unwrap();
    let database = open(&dir.path().join("a ?#%.db")).await.unwrap();
    let mut versions = database.versions();
    let before = *versions.borrow_and_update();
    let after = add(&database, "one").await.unwrap();
    assert_eq!(after, before + 1);
    assert_eq!(*versions.borrow_and_update(), after);
    assert!(add(&database, "one").await.is_err(), "the name is taken");
    assert!(!versions.has_changed().unwrap());
    let names: Vec<String> = sqlx::query_scalar("SELECT name FROM thing")
        .fetch_all(database.pool())
        .await
        .unwrap();
    assert_eq!(names, ["one"]);
}

#[tokio::test]
async fn what_was_committed_is_there_after_a_restart_and_is_ours_alone() {
    use std::os::unix::fs::PermissionsExt as _;

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("authority.db");
    let database = open(&path).await.unwrap();
    add(&database, "kept").await.unwrap();
    let in_use = open(&path).await.unwrap_err();
    assert!(matches!(in_use, DatabaseError::InUse { .. }), "{in_use:?}");
    drop(database);
    let database = open(&path).await.unwrap();
    let sizes: Vec<i64> = sqlx::query_scalar("SELECT size FROM thing WHERE name = $1")
        .bind("kept")
        .fetch_all(database.pool())
        .await
        .unwrap();
    assert_eq!(sizes, [7]);
    for file in std::fs::read_dir(dir.path()).unwrap() {
        let mode = file.unwrap().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{mode:o}");
    }
}

#[tokio::test]
async fn what_is_no_database_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("authority.db");
    std::fs::write(&path, vec![b'x'; 8192]).unwrap();
    assert!(open(&path).await.is_err());
    assert_eq!(std::fs::read(&path).unwrap(), vec![b'x'; 8192]);
}

#[tokio::test]
async fn a_damaged_file_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("authority.db");
    let database = open(&path).await.unwrap();
    for number in 0..200 {
        add(&database, &format!("{number:0>200}")).await.unwrap();
    }
    database.close().await;
    drop(database);
    let mut content = std::fs::read(&path).unwrap();
    let (pages, page) = (content.len() / 4096, 4096);
    // Pages in the middle: the head, which is checked in any case, is sound.
    let middle = content.iter_mut().skip(pages / 2 * page).take(2 * page);
    middle.for_each(|byte| *byte = 0x5a);
    std::fs::write(&path, content).unwrap();
    let error = open(&path).await.unwrap_err();
    assert!(
        matches!(
            error,
            DatabaseError::Damaged { .. } | DatabaseError::Query { .. }
        ),
        "{error:?}"
    );
}
