//! Whether a text has a configuration's shape, by its own JSON Schema.
//!
//! Deserializing stops at the first thing that does not fit. An operator wants
//! all of them, by their path, so the schema is walked beside the text before.

use serde_json::Map;
use serde_json::Value;

use crate::config::Mistakes;

/// Notes everything in `value` that does not fit `schema`.
pub(super) fn check(value: &Value, schema: &Value, notes: &mut Mistakes) {
    let shape = Shape {
        definitions: schema.get("$defs"),
    };
    shape.check("", value, schema, notes);
}

struct Shape<'a> {
    definitions: Option<&'a Value>,
}

impl Shape<'_> {
    fn check(&self, path: &str, value: &Value, schema: &Value, notes: &mut Mistakes) {
        let schema = self.resolve(schema);
        if let Some(choices) = schema.get("anyOf").and_then(Value::as_array) {
            return self.check_choices(path, value, choices, notes);
        }
        if let Some(words) = words(schema) {
            if !words.iter().any(|word| Some(*word) == value.as_str()) {
                notes.add(
                    path,
                    format!("must be one of {}", listed(&mut words.into_iter())),
                );
            }
            return;
        }
        let wanted = types(schema);
        if !wanted.is_empty() && !wanted.iter().any(|kind| is_of(value, kind)) {
            notes.add(
                path,
                format!(
                    "must be {}, not {}",
                    named(wanted.first().copied()),
                    named(kind_of(value))
                ),
            );
            return;
        }
        match value {
            Value::Object(fields) => self.check_fields(path, fields, schema, notes),
            Value::Array(items) => {
                let schema = schema.get("items").unwrap_or(&Value::Null);
                for (at, item) in items.iter().enumerate() {
                    self.check(&format!("{path}[{at}]"), item, schema, notes);
                }
            }
            Value::Number(number) if number.as_f64().is_some_and(|number| number < 0.0) => {
                notes.add(path, "must not be below 0");
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    fn check_choices(&self, path: &str, value: &Value, choices: &[Value], notes: &mut Mistakes) {
        let fits = |schema: &&Value| {
            let mut wrong = Mistakes::default();
            self.check(path, value, schema, &mut wrong);
            wrong.is_empty()
        };
        if choices.iter().any(|schema| fits(&schema)) {
            return;
        }
        // The choice of the value's own kind says best what is wrong with it.
        let like = choices.iter().find(|schema| {
            types(self.resolve(schema))
                .iter()
                .any(|kind| is_of(value, kind))
        });
        match like.or_else(|| choices.first()) {
            Some(schema) => self.check(path, value, schema, notes),
            None => notes.add(path, "nothing may stand here"),
        }
    }

    fn check_fields(
        &self,
        path: &str,
        fields: &Map<String, Value>,
        schema: &Value,
        notes: &mut Mistakes,
    ) {
        let known = schema.get("properties").and_then(Value::as_object);
        let others = schema
            .get("additionalProperties")
            .filter(|others| others.is_object());
        for (key, value) in fields {
            let below = if path.is_empty() {
                key.clone()
            } else {
                format!("{path}.{key}")
            };
            match (known.and_then(|known| known.get(key)), others, known) {
                (Some(schema), _, _) | (None, Some(schema), _) => {
                    self.check(&below, value, schema, notes);
                }
                (None, None, Some(known)) => {
                    notes.add(
                        below,
                        format!(
                            "unknown key; known are {}",
                            listed(&mut known.keys().map(String::as_str))
                        ),
                    );
                }
                (None, None, None) => {}
            }
        }
        let required = schema
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        for key in required
            .filter_map(Value::as_str)
            .filter(|key| !fields.contains_key(*key))
        {
            let below = if path.is_empty() {
                key.to_owned()
            } else {
                format!("{path}.{key}")
            };
            notes.add(below, "is missing");
        }
    }

    /// What a reference stands for.
    fn resolve<'s>(&'s self, schema: &'s Value) -> &'s Value {
        let name = schema
            .get("$ref")
            .and_then(Value::as_str)
            .and_then(|path| path.strip_prefix("#/$defs/"));
        let found = name.and_then(|name| self.definitions?.get(name));
        found.unwrap_or(schema)
    }
}

/// The words of a choice of words.
fn words(schema: &Value) -> Option<Vec<&str>> {
    if let Some(words) = schema.get("enum").and_then(Value::as_array) {
        return Some(words.iter().filter_map(Value::as_str).collect());
    }
    let choices = schema.get("oneOf")?.as_array()?;
    Some(
        choices
            .iter()
            .filter_map(|choice| choice.get("const")?.as_str())
            .collect(),
    )
}

fn types(schema: &Value) -> Vec<&str> {
    match schema.get("type") {
        Some(Value::String(kind)) => vec![kind.as_str()],
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn is_of(value: &Value, kind: &str) -> bool {
    match kind {
        "integer" => value.is_u64() || value.is_i64(),
        kind => kind_of(value) == Some(kind),
    }
}

const fn kind_of(value: &Value) -> Option<&'static str> {
    Some(match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    })
}

/// A JSON type in an operator's words.
fn named(kind: Option<&str>) -> &'static str {
    match kind {
        Some("null") => "nothing",
        Some("boolean") => "true or false",
        Some("integer") => "a whole number",
        Some("number") => "a number",
        Some("array") => "a list",
        Some("object") => "a set of keys",
        _ => "a text",
    }
}

fn listed(words: &mut dyn Iterator<Item = &str>) -> String {
    words
        .map(|word| format!("`{word}`"))
        .collect::<Vec<_>>()
        .join(", ")
}
