//! Reads what a caller asks for in the query or as a JSON body, and tells in both languages what cannot be read: by
//! name, with what would be right. Both come from the schema of the type, which also describes it in docs/openapi.json.

use super::problem::{self, Problem};
use super::sentence::Sentence;
use actix_web::web::Query;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use serde_json::{Map, Value};

/// The parameters of a query.
///
/// # Errors
/// `Malformed`, with the first parameter that is unknown, repeated, missing or of another form.
pub fn query<T: DeserializeOwned + JsonSchema>(text: &str) -> Result<T, Problem> {
    match Query::<T>::from_query(text) {
        Ok(read) => Ok(read.into_inner()),
        Err(error) => Err(Problem::Malformed(fault_of_query::<T>(text, &error.to_string()))),
    }
}

fn fault_of_query<T: DeserializeOwned + JsonSchema>(text: &str, error: &str) -> Sentence {
    let form = Form::of::<T>();
    let mut names: Vec<String> = Vec::new();
    for piece in text.split('&').filter(|piece| !piece.is_empty()) {
        let pair = Query::<Vec<(String, String)>>::from_query(piece).map(Query::into_inner).unwrap_or_default();
        let Some((name, _)) = pair.into_iter().next() else { continue };
        if let Some(fault) = form.fault_of_name("tham số", "parameter", &name) {
            return fault;
        }
        if names.contains(&name) {
            let name = shown(&name);
            return Sentence::new(
                format!("tham số {name} được ghi nhiều lần"),
                format!("the parameter {name} stands several times"),
            );
        }
        if form.required.is_empty() && Query::<T>::from_query(piece).is_err() {
            return form.fault_of_value(&name);
        }
        names.push(name);
    }
    form.fault_of_absent("tham số", "parameter", |name| names.iter().any(|n| n == name)).unwrap_or_else(|| {
        Sentence::new(format!("các tham số không đọc được: {error}"), format!("the parameters cannot be read: {error}"))
    })
}

/// The members of a JSON body.
///
/// # Errors
/// `Malformed`, with the place where the JSON is broken, or the first member that is unknown, missing or of another form.
pub fn json<T: DeserializeOwned + JsonSchema>(body: &[u8]) -> Result<T, Problem> {
    let value: Value = serde_json::from_slice(body).map_err(|error| Problem::Malformed(broken(&error)))?;
    if has_nul(&value) {
        return Err(problem::nul());
    }
    // Read from the bytes and not from the value: only there is a member that stands twice a fault.
    serde_json::from_slice(body).map_err(|error| Problem::Malformed(fault_of_json::<T>(&value, &error)))
}

/// Where a text stops to be JSON.
pub fn broken(error: &serde_json::Error) -> Sentence {
    let (line, column) = (error.line(), error.column());
    match error.classify() {
        Category::Eof => Sentence::new(
            format!("nội dung JSON dừng giữa chừng ở dòng {line}, cột {column}"),
            format!("the JSON ends in the middle, at line {line}, column {column}"),
        ),
        Category::Syntax | Category::Data | Category::Io => Sentence::new(
            format!("nội dung JSON sai ở dòng {line}, cột {column}"),
            format!("the JSON is broken at line {line}, column {column}"),
        ),
    }
}

fn fault_of_json<T: DeserializeOwned + JsonSchema>(value: &Value, error: &serde_json::Error) -> Sentence {
    let Value::Object(members) = value else {
        return Sentence::new("nội dung phải là một đối tượng JSON", "the body must be a JSON object");
    };
    let form = Form::of::<T>();
    for (name, member) in members {
        if let Some(fault) = form.fault_of_name("thành viên", "member", name) {
            return fault;
        }
        // With every other member at hand, the one that is missing or another one is at fault.
        let alone: Map<String, Value> = [(name.clone(), member.clone())].into_iter().collect();
        let read = serde_json::from_value::<T>(Value::Object(alone));
        if read.is_err_and(|error| !error.to_string().starts_with("missing field")) {
            return form.fault_of_value(name);
        }
    }
    form.fault_of_absent("thành viên", "member", |name| members.contains_key(name)).unwrap_or_else(|| {
        Sentence::new(format!("nội dung JSON không dùng được: {error}"), format!("the JSON cannot be used: {error}"))
    })
}

/// Whether some text in it holds a NUL, which PostgreSQL cannot hold and nobody means.
pub fn has_nul(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(has_nul),
        Value::Object(members) => members.iter().any(|(name, value)| name.contains('\0') || has_nul(value)),
    }
}

/// Longest name or word of a caller that is told back to it.
const SHOWN_CHARS_MAX: usize = 60;

fn shown(text: &str) -> String {
    format!("\"{}\"", text.chars().take(SHOWN_CHARS_MAX).collect::<String>())
}

/// What may be asked, as the schema of its type has it.
struct Form {
    members: Map<String, Value>,
    required: Vec<String>,
}

impl Form {
    fn of<T: JsonSchema>() -> Self {
        let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
        let schema = settings.into_generator().into_root_schema_for::<T>().to_value();
        let members = schema.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
        let required = schema.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
        Self { members, required: required.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect() }
    }

    fn fault_of_name(&self, vi: &str, en: &str, name: &str) -> Option<Sentence> {
        if self.members.contains_key(name) {
            return None;
        }
        let (name, known) = (shown(name), self.members.keys().cloned().collect::<Vec<_>>().join(", "));
        Some(match known.is_empty() {
            true => Sentence::new(format!("không nhận {vi} nào, kể cả {name}"), format!("there is no {en} {name}")),
            false => Sentence::new(
                format!("không có {vi} {name}; có thể dùng: {known}"),
                format!("there is no {en} {name}; there are: {known}"),
            ),
        })
    }

    fn fault_of_absent(&self, vi: &str, en: &str, is_there: impl Fn(&str) -> bool) -> Option<Sentence> {
        let absent = self.required.iter().find(|name| !is_there(name))?;
        Some(Sentence::new(format!("thiếu {vi} \"{absent}\""), format!("the {en} \"{absent}\" is missing")))
    }

    fn fault_of_value(&self, name: &str) -> Sentence {
        let schema = self.members.get(name).cloned().unwrap_or_default();
        let (vi, en) = expected(&schema);
        Sentence::new(format!("giá trị của \"{name}\" phải là {vi}"), format!("the value of \"{name}\" must be {en}"))
    }
}

/// What a value must be, in both languages.
fn expected(schema: &Value) -> (String, String) {
    let words = words_of(schema).join(", ");
    if !words.is_empty() {
        return (format!("một trong: {words}"), format!("one of {words}"));
    }
    if let Some((vi, en)) = schema.get("title").and_then(Value::as_str).and_then(|title| title.split_once(" | ")) {
        return (vi.to_owned(), en.to_owned());
    }
    if let Some(pattern) = schema.get("pattern").and_then(Value::as_str) {
        return (format!("chữ theo mẫu {pattern}"), format!("text of the form {pattern}"));
    }
    let least = schema.get("minimum").and_then(Value::as_u64).unwrap_or(0);
    match type_of(schema) {
        "integer" => match schema.get("maximum").and_then(Value::as_u64) {
            Some(most) => {
                (format!("số nguyên từ {least} đến {most}"), format!("a whole number from {least} to {most}"))
            }
            None => (format!("số nguyên từ {least}"), format!("a whole number from {least}")),
        },
        "boolean" => ("true hoặc false".to_owned(), "true or false".to_owned()),
        "array" => ("một danh sách".to_owned(), "a list".to_owned()),
        "object" => ("một đối tượng".to_owned(), "an object".to_owned()),
        _ => ("chữ".to_owned(), "text".to_owned()),
    }
}

fn type_of(schema: &Value) -> &str {
    let named = match schema.get("type") {
        Some(Value::Array(names)) => names.iter().find_map(|name| name.as_str().filter(|name| *name != "null")),
        Some(name) => name.as_str(),
        None => None,
    };
    named.unwrap_or_default()
}

/// The words of an enumeration, however deep in the schema.
fn words_of(schema: &Value) -> Vec<String> {
    let own = schema.get("enum").and_then(Value::as_array).cloned().unwrap_or_default();
    let single = schema.get("const").cloned();
    let mut words: Vec<String> = own.iter().chain(&single).filter_map(|w| w.as_str().map(str::to_owned)).collect();
    for part in ["anyOf", "oneOf"] {
        words.extend(schema.get(part).and_then(Value::as_array).into_iter().flatten().flat_map(words_of));
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(rename_all = "snake_case")]
    enum Colour {
        Red,
        Green,
    }

    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    struct Asked {
        colour: Option<Colour>,
        number: Option<std::num::NonZeroUsize>,
    }

    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    struct Said {
        colour: Colour,
        #[serde(default)]
        note: String,
    }

    fn told<T: std::fmt::Debug>(read: Result<T, Problem>) -> (String, String) {
        let detail = read.unwrap_err().detail().unwrap();
        (detail.vi, detail.en)
    }

    #[test]
    fn a_query_is_read() {
        let read: Asked = query("colour=red&number=3").unwrap();
        assert!(matches!((read.colour, read.number.map(usize::from)), (Some(Colour::Red), Some(3))));
        assert!(matches!(query::<Asked>("colour=green").unwrap().colour, Some(Colour::Green)));
    }

    #[test]
    fn each_fault_of_a_query_is_named_in_both_languages() {
        let of = |text| told(query::<Asked>(text));
        let color = of("color=red");
        assert_eq!(color.0, "không có tham số \"color\"; có thể dùng: colour, number");
        assert_eq!(color.1, "there is no parameter \"color\"; there are: colour, number");
        assert_eq!(of("colour=blue").0, "giá trị của \"colour\" phải là một trong: red, green");
        assert_eq!(of("number=0").0, "giá trị của \"number\" phải là số nguyên từ 1");
        assert_eq!(of("number=x").1, "the value of \"number\" must be a whole number from 1");
        assert_eq!(of("number=1&number=2").0, "tham số \"number\" được ghi nhiều lần");
    }

    #[test]
    fn each_fault_of_a_body_is_named_in_both_languages() {
        let of = |body: &str| told(json::<Said>(body.as_bytes()));
        assert_eq!(of("{\"colour\":\"red\"").0, "nội dung JSON dừng giữa chừng ở dòng 1, cột 15");
        assert_eq!(of("{colour}").0, "nội dung JSON sai ở dòng 1, cột 2");
        assert_eq!(of("[1]").0, "nội dung phải là một đối tượng JSON");
        assert_eq!(of("{\"note\":\"x\"}").0, "thiếu thành viên \"colour\"");
        assert_eq!(of("{\"colour\":\"red\",\"x\":1}").0, "không có thành viên \"x\"; có thể dùng: colour, note");
        assert_eq!(of("{\"colour\":\"red\",\"note\":7}").1, "the value of \"note\" must be text");
        assert_eq!(of("{\"colour\":\"blue\"}").1, "the value of \"colour\" must be one of red, green");
        assert_eq!(of("{\"colour\":\"red\",\"note\":\"\\u0000\"}").0, "có ký tự NUL");
        let red: Said = json(b"{\"colour\":\"red\",\"note\":\"x\"}").unwrap();
        assert!(matches!((red.colour, red.note.as_str()), (Colour::Red, "x")));
    }
}
