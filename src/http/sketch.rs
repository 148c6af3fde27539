//! One operation as it is drawn for docs/openapi.json: its parameters, body, answers, failures and credentials. What
//! is drawn of which operation stands in `agency_sketches` and `sdk_sketches`, the whole document in `openapi`.

use super::forms;
use super::problem::{Dialect, Kind, Success};
use super::problem_body::ProblemBody;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

/// The media type of problems.
const PROBLEM: &str = "application/problem+json";

/// What operations share.
pub struct Parts {
    /// Schemas of what the hub writes.
    pub answers: SchemaGenerator,
    /// Schemas of what it reads.
    pub questions: SchemaGenerator,
    /// Failures by name.
    pub failures: Map<String, Value>,
}

/// One operation being drawn.
pub struct Sketch<'a> {
    dialect: Dialect,
    parts: &'a mut Parts,
    members: Map<String, Value>,
    parameters: Vec<Value>,
    responses: Map<String, Value>,
    failures: Vec<&'static Kind>,
}

impl<'a> Sketch<'a> {
    /// An empty sheet; `en` is what the route table says of the operation.
    pub fn of(en: &str, dialect: Dialect, parts: &'a mut Parts) -> Self {
        let members = [("description".to_owned(), json!(en))].into_iter().collect();
        let (parameters, responses, failures) = (Vec::new(), Map::new(), Vec::new());
        Self { dialect, parts, members, parameters, responses, failures }
    }

    fn with(mut self, name: &str, value: Value) -> Self {
        self.members.insert(name.to_owned(), value);
        self
    }

    /// Its name for generated clients, and what it does in Vietnamese.
    pub fn named(self, id: &str, vi: &str) -> Self {
        self.with("operationId", json!(id)).with("summary", json!(vi))
    }

    /// Under which heading it stands.
    pub fn under(self, tag: &str) -> Self {
        self.with("tags", json!([tag]))
    }

    /// The credentials it takes: each of the schemes named has to be there. None for an open operation.
    pub fn needs(self, schemes: &[&str]) -> Self {
        let all: Map<String, Value> = schemes.iter().map(|scheme| ((*scheme).to_owned(), json!([]))).collect();
        self.with("security", if all.is_empty() { json!([]) } else { json!([all]) })
    }

    /// A segment of the path that holds an id.
    pub fn id_segment(self, name: &str, about: &str) -> Self {
        let schema = json!({ "type": "string", "pattern": forms::ID_PATTERN });
        self.parameter("path", name, true, (about, schema))
    }

    /// A segment of the path that holds what the words say.
    pub fn segment(self, name: &str, about: &str) -> Self {
        self.parameter("path", name, true, (about, json!({ "type": "string" })))
    }

    /// A segment of the path that holds a code of an agency.
    pub fn code_segment(self, name: &str, about: &str) -> Self {
        let schema = json!({ "type": "string", "pattern": "^[0-9A-Za-z]([0-9A-Za-z._-]{0,33}[0-9A-Za-z])?$" });
        self.parameter("path", name, true, (about, schema))
    }

    /// A segment of the path that says for which codes of agencies a route is.
    pub fn prefix_segment(self, name: &str, about: &str) -> Self {
        let schema = json!({ "type": "string", "pattern": r"^(\*|[0-9A-Za-z]([0-9A-Za-z._-]{0,33}[0-9A-Za-z])?)$" });
        self.parameter("path", name, true, (about, schema))
    }

    /// A segment of the path that says whose endpoint is meant.
    pub fn holder_segment(self, name: &str, about: &str) -> Self {
        let schema =
            json!({ "type": "string", "pattern": "^([a-z]+:)?[0-9A-Za-z]([0-9A-Za-z._-]{0,33}[0-9A-Za-z])?$" });
        self.parameter("path", name, true, (about, schema))
    }

    /// A header of the request.
    pub fn header(self, name: &str, about: &str) -> Self {
        self.parameter("header", name, false, (about, json!({ "type": "string" })))
    }

    fn parameter(mut self, place: &str, name: &str, required: bool, (about, schema): (&str, Value)) -> Self {
        self.parameters.push(json!({
            "in": place, "name": name, "required": required, "description": about, "schema": schema,
        }));
        self
    }

    /// The parameters of the query: the members of this type.
    pub fn query<T: JsonSchema>(mut self) -> Self {
        let schema = T::json_schema(&mut self.parts.questions).to_value();
        let required = schema.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
        let members = schema.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
        for (name, mut schema) in members {
            let about = schema.as_object_mut().and_then(|schema| schema.remove("description")).unwrap_or_default();
            let is_required = required.iter().any(|member| member == name.as_str());
            let given = (about.as_str().unwrap_or_default(), given(schema));
            self = self.parameter("query", &name, is_required, given);
        }
        self
    }

    /// The body is an edXML packet. An empty one may be checked too.
    pub fn packet(self, required: bool) -> Self {
        let schema = json!({ "type": "string", "format": "binary" });
        let content = json!({ "application/xml": { "schema": schema } });
        let body = json!({ "required": required, "description": "Gói tin edXML, nguyên các byte. The packet's bytes as they are.",
            "content": content });
        self.with("requestBody", body)
    }

    /// The body is this type as JSON.
    pub fn body<T: JsonSchema>(self) -> Self {
        let schema = self.parts.questions.subschema_for::<T>().to_value();
        self.raw_body(schema)
    }

    /// The body is this type as JSON, or empty.
    pub fn maybe_body<T: JsonSchema>(self) -> Self {
        let schema = self.parts.questions.subschema_for::<T>().to_value();
        self.with("requestBody", json!({ "required": false, "content": { "application/json": { "schema": schema } } }))
    }

    /// The body is a file with a row for each thing, as CSV or as a JSON array of these items.
    pub fn file(self, items: Value) -> Self {
        let body = json!({ "required": true, "content": {
            "text/csv": { "schema": { "type": "string" } },
            "application/json": { "schema": { "type": "array", "items": items } },
        } });
        self.with("requestBody", body)
    }

    /// It may be answered by a file of agencies.
    pub fn files(mut self, success: Success, about: &str) -> Self {
        let content = json!({
            "text/csv": { "schema": { "type": "string", "format": "binary" } },
            "application/json": { "schema": { "type": "array", "items": { "type": "object" } } },
        });
        self.respond(success.number(), json!({ "description": about, "content": content }));
        self
    }

    /// The body is text.
    pub fn text_body(self, about: &str) -> Self {
        let content = json!({ "text/plain": { "schema": { "type": "string" } } });
        self.with("requestBody", json!({ "required": true, "description": about, "content": content }))
    }

    /// The body is JSON of this schema.
    pub fn raw_body(self, schema: Value) -> Self {
        let content = json!({ "application/json": { "schema": schema } });
        self.with("requestBody", json!({ "required": true, "content": content }))
    }

    /// Parameters that stand in the signed text of the SDK.
    pub fn signed(self, names: &[&str]) -> Self {
        self.with("x-signed-parameters", json!(names))
    }

    /// It may be answered by this type as JSON.
    pub fn answer<T: JsonSchema>(self, success: Success, about: &str) -> Self {
        let schema = self.parts.answers.subschema_for::<T>().to_value();
        self.content(success, about, ("application/json", schema))
    }

    /// It may be answered by JSON of this schema.
    pub fn raw_answer(self, success: Success, about: &str, schema: Value) -> Self {
        self.content(success, about, ("application/json", schema))
    }

    /// It may be answered by bytes.
    pub fn bytes(self, success: Success, about: &str, media: &str) -> Self {
        self.content(success, about, (media, json!({ "type": "string", "format": "binary" })))
    }

    /// It may be answered without a body.
    pub fn nothing(mut self, success: Success, about: &str) -> Self {
        self.respond(success.number(), json!({ "description": about }));
        self
    }

    fn content(mut self, success: Success, about: &str, (media, schema): (&str, Value)) -> Self {
        self.respond(success.number(), json!({ "description": about, "content": content(media, schema) }));
        self
    }

    fn respond(&mut self, status: u16, response: Value) {
        self.responses.insert(status.to_string(), named_by_id(response));
    }

    /// A header that answers of this kind carry.
    pub fn told(mut self, success: Success, header: &str, about: &str) -> Self {
        let described = json!({ "description": about, "required": true, "schema": { "type": "string" } });
        let response = self.responses.get_mut(&success.number().to_string());
        if let Some(headers) = response.and_then(|response| response.get_mut("headers")?.as_object_mut()) {
            headers.insert(header.to_owned(), described);
        }
        self
    }

    /// Failures that it may be answered with.
    pub fn fails(mut self, kinds: &[&'static Kind]) -> Self {
        self.failures.extend(kinds);
        self
    }

    /// The operation as OpenAPI has it.
    pub fn done(mut self) -> Value {
        let failures = std::mem::take(&mut self.failures);
        let mut statuses: Vec<u16> = failures.iter().map(|kind| self.status(kind)).collect();
        statuses.sort_unstable();
        statuses.dedup();
        for status in statuses {
            let kinds: Vec<&Kind> = failures.iter().copied().filter(|kind| self.status(kind) == status).collect();
            // The SDK is told of many failures in the answer that it also gets when all went well.
            if !self.responses.contains_key(&status.to_string()) {
                let name = self.failure_name(status, &kinds);
                if !self.parts.failures.contains_key(&name) {
                    let failure = named_by_id(self.failure(status, &kinds));
                    self.parts.failures.insert(name.clone(), failure);
                }
                self.responses.insert(status.to_string(), referred("responses", &name));
            }
        }
        let (parameters, responses) = (std::mem::take(&mut self.parameters), std::mem::take(&mut self.responses));
        if !parameters.is_empty() {
            self = self.with("parameters", Value::Array(parameters));
        }
        Value::Object(self.with("responses", Value::Object(responses)).members)
    }

    fn status(&self, kind: &Kind) -> u16 {
        match self.dialect {
            Dialect::Native | Dialect::Empty | Dialect::Page => kind.status.as_u16(),
            Dialect::Sdk(_) => kind.sdk_status().as_u16(),
        }
    }

    fn failure_name(&self, status: u16, kinds: &[&Kind]) -> String {
        let door = match self.dialect {
            Dialect::Native => String::new(),
            Dialect::Empty => "Empty-".to_owned(),
            Dialect::Page => "Page-".to_owned(),
            Dialect::Sdk(shape) => format!("Sdk{shape:?}-"),
        };
        let codes: Vec<&str> = kinds.iter().map(|kind| kind.code).collect();
        format!("{door}{status}-{}", codes.join("."))
    }

    fn failure(&mut self, status: u16, kinds: &[&Kind]) -> Value {
        let lines: Vec<String> =
            kinds.iter().map(|kind| format!("`{}`: {}. {}.", kind.code, kind.vi, kind.en)).collect();
        let about = lines.join("\n\n");
        match self.dialect {
            Dialect::Empty | Dialect::Page => json!({ "description": about }),
            Dialect::Native => {
                let codes: Vec<&str> = kinds.iter().map(|kind| kind.code).collect();
                let problem = self.parts.answers.subschema_for::<ProblemBody<'_>>();
                let narrowed = json!({ "properties": { "status": { "const": status }, "code": { "enum": codes } } });
                let schema = json!({ "allOf": [problem, narrowed] });
                json!({ "description": about, "content": content(PROBLEM, schema) })
            }
            Dialect::Sdk(shape) => {
                let schema = super::sdk_sketches::failure(shape, &mut self.parts.answers);
                json!({ "description": about, "content": content("application/json", schema) })
            }
        }
    }
}

/// The response with the header that all have.
fn named_by_id(mut response: Value) -> Value {
    if let Some(response) = response.as_object_mut() {
        response.insert("headers".to_owned(), json!({ "X-Request-Id": referred("headers", "RequestId") }));
    }
    response
}

/// A part of the document's components.
fn referred(part: &str, name: &str) -> Value {
    json!({ "$ref": format!("#/components/{part}/{name}") })
}

fn content(media: &str, schema: Value) -> Value {
    Value::Object([(media.to_owned(), json!({ "schema": schema }))].into_iter().collect())
}

/// The schema of a value that is given: what a parameter may be when it is there, without the null of one that is not.
fn given(mut schema: Value) -> Value {
    let Some(members) = schema.as_object_mut() else { return schema };
    if members.get("default").is_some_and(Value::is_null) {
        members.remove("default");
    }
    if let Some(Value::Array(types)) = members.get("type").cloned() {
        let rest: Vec<Value> = types.into_iter().filter(|name| name != "null").collect();
        if let [only] = rest.as_slice() {
            members.insert("type".to_owned(), only.clone());
        }
    }
    if let Some(Value::Array(any)) = members.get("anyOf").cloned() {
        let rest: Vec<Value> = any.into_iter().filter(|one| *one != json!({ "type": "null" })).collect();
        match rest.as_slice() {
            [only] => return only.clone(),
            _ => {
                members.insert("anyOf".to_owned(), Value::Array(rest));
            }
        }
    }
    schema
}
