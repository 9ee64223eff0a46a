//! Keeps every module on its floor, and every file to one subject's size.
//!
//! The floors are read from the table in `src/lib.rs`. A module may use floors
//! below its own; how it uses itself is its own business.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test may stop"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

#[test]
fn no_module_uses_its_own_floor_or_one_above() {
    let floors = floors();
    let mut breaches = Vec::new();
    for (path, text) in sources() {
        let Some(module) = module_of(&path) else {
            continue;
        };
        let floor = floors
            .get(&module)
            .unwrap_or_else(|| panic!("`{module}` has no floor in src/lib.rs"));
        for (number, line) in product_lines(&text) {
            for used in used_modules(line) {
                let Some(below) = floors.get(used) else {
                    continue;
                };
                if used != module && below >= floor {
                    breaches.push(format!(
                        "{}:{number}: floor {floor} uses `{used}` on floor {below}",
                        path.display()
                    ));
                }
            }
        }
    }
    assert!(breaches.is_empty(), "\n{}", breaches.join("\n"));
}

#[test]
fn every_module_has_a_floor_and_every_floor_its_modules() {
    let text = fs::read_to_string("src/lib.rs").unwrap();
    let declared: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'))
        .collect();
    let floors = floors();
    for module in &declared {
        assert!(floors.contains_key(*module), "`{module}` has no floor");
    }
    for module in floors.keys() {
        assert!(
            declared.contains(&module.as_str()),
            "the table names `{module}`, which is not there"
        );
    }
}

#[test]
fn a_path_names_one_thing_and_climbs_no_further_than_its_parent() {
    for (path, text) in sources() {
        for (number, line) in product_lines(&text) {
            let place = format!("{}:{number}", path.display());
            assert!(
                !line.contains("crate::{"),
                "{place}: one `use` for each path"
            );
            assert!(
                !line.contains("super::super"),
                "{place}: name the module from `crate::`"
            );
        }
    }
}

#[test]
fn a_file_has_one_subject() {
    let mut sizes: Vec<(usize, PathBuf)> = sources()
        .into_iter()
        .map(|(path, text)| (text.lines().count(), path))
        .collect();
    sizes.sort();
    for (lines, path) in &sizes {
        assert!(*lines <= MOST_LINES, "{} has {lines} lines", path.display());
    }
    let median = sizes[sizes.len() / 2].0;
    assert!(
        median < MOST_MEDIAN_LINES,
        "the median file has {median} lines"
    );
}

#[test]
fn every_file_says_why_it_exists() {
    for (path, text) in sources() {
        let is_test = path
            .file_stem()
            .is_some_and(|stem| stem == "tests" || stem.to_string_lossy().ends_with("_tests"));
        assert!(
            is_test || text.starts_with("//!"),
            "{} has no module doc",
            path.display()
        );
    }
}

/// Module to floor, from the table in the crate's documentation.
fn floors() -> BTreeMap<String, u32> {
    let text = fs::read_to_string("src/lib.rs").unwrap();
    let mut floors = BTreeMap::new();
    for row in text.lines().filter_map(|line| line.strip_prefix("//! | ")) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let Ok(floor) = cells[0].parse() else {
            continue;
        };
        for module in cells[1].split(',') {
            let name = module.trim().trim_matches('`').to_owned();
            assert_eq!(
                floors.insert(name, floor),
                None,
                "{module} is on two floors"
            );
        }
    }
    floors
}

fn sources() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::from("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push((path.clone(), fs::read_to_string(&path).unwrap()));
            }
        }
    }
    assert!(found.len() > 50, "the sources are not where they were");
    found
}

fn module_of(path: &Path) -> Option<String> {
    let first = path.strip_prefix("src").ok()?.components().next()?;
    let name = first
        .as_os_str()
        .to_str()?
        .trim_end_matches(".rs")
        .to_owned();
    (name != "lib" && name != "main").then_some(name)
}

/// The lines before a file's tests, without comments, counted from 1.
fn product_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .take_while(|line| line.trim() != "#[cfg(test)]")
        .enumerate()
        .map(|(at, line)| {
            (
                at + 1,
                line.split("//").next().expect("a split has a first part"),
            )
        })
}

fn used_modules(line: &str) -> impl Iterator<Item = &str> {
    line.split("crate::").skip(1).map(|rest| {
        rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .next()
            .expect("a split has a first part")
    })
}

const MOST_LINES: usize = 400;
const MOST_MEDIAN_LINES: usize = 200;
