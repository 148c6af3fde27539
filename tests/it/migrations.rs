//! Migrations: the same on both databases, reversible, and `src/store/schema.rs` is what they make.

use crate::support::database::Database;
use diesel::connection::SimpleConnection;
use diesel::sql_types::{BigInt, Text};
use diesel::{Connection, RunQueryDsl, SqliteConnection};
use docaxis::store::Store;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn folder(database: &str) -> PathBuf {
    root().join("migrations").join(database)
}

fn names(database: &str) -> Vec<String> {
    let entries = std::fs::read_dir(folder(database)).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// The text of `up.sql` or `down.sql` of all migrations, in the order in which they run.
fn script(database: &str, file: &str) -> String {
    let mut names = names(database);
    if file == "down.sql" {
        names.reverse();
    }
    let texts = names.iter().map(|name| std::fs::read_to_string(folder(database).join(name).join(file)).unwrap());
    texts.collect::<Vec<_>>().join("\n")
}

/// What both databases can be asked about.
#[derive(Debug, Default, PartialEq, Eq)]
struct Schema {
    /// Table and column: the type as diesel names it.
    columns: BTreeMap<(String, String), String>,
    /// Columns of primary keys, in order.
    keys: BTreeMap<String, Vec<String>>,
    /// Foreign keys as `table.column -> table`.
    references: BTreeSet<String>,
    /// Checks and unique constraints that have a name.
    constraints: BTreeSet<String>,
    /// Indexes that were made by themselves, with their columns.
    indexes: BTreeSet<String>,
    triggers: BTreeSet<String>,
}

impl Schema {
    /// Takes in a row of a query: what it tells about, then two texts.
    fn note(&mut self, kind: &str, one: &str, two: &str, three: &str) {
        match kind {
            "column" => {
                self.columns.insert((one.to_owned(), two.to_owned()), diesel_type(three));
            }
            "key" => self.keys.entry(one.to_owned()).or_default().push(two.to_owned()),
            "reference" => _ = self.references.insert(format!("{one}.{two} -> {three}")),
            "constraint" => _ = self.constraints.insert(format!("{one}.{two}")),
            "index" => _ = self.indexes.insert(format!("{one} ({two})")),
            "trigger" => _ = self.triggers.insert(format!("{one} on {two}")),
            other => panic!("{other}"),
        }
    }
}

/// `TEXT NOT NULL` and its like in either database; whatever is not in this list is not portable.
fn diesel_type(sql: &str) -> String {
    let (name, is_nullable) = match sql.strip_suffix(" not null") {
        Some(name) => (name, false),
        None => (sql, true),
    };
    let name = match name {
        "text" => "Text",
        "integer" => "Integer",
        "bigint" => "BigInt",
        "boolean" => "Bool",
        "timestamp" | "timestamp without time zone" => "Timestamp",
        "blob" | "bytea" => "Binary",
        other => panic!("{other} is not a type of both databases; see migrations/README.md"),
    };
    if is_nullable { format!("Nullable<{name}>") } else { name.to_owned() }
}

#[derive(diesel::QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    one: String,
    #[diesel(sql_type = Text)]
    two: String,
    #[diesel(sql_type = Text)]
    three: String,
}

/// Both lists leave out the full-text index, which each database has in its own way.
const SQLITE: &str = "
    WITH tables AS (SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_\\_diesel%' ESCAPE '\\'
                    AND name NOT LIKE 'sqlite%' AND name NOT LIKE 'document\\_words%' ESCAPE '\\')
    SELECT 'column' AS kind, t.name AS one, c.name AS two,
           lower(c.type) || CASE c.\"notnull\" WHEN 1 THEN ' not null' ELSE '' END AS three, c.cid AS position
    FROM tables t, pragma_table_info(t.name) c
    UNION ALL SELECT 'key', t.name, c.name, '', c.pk FROM tables t, pragma_table_info(t.name) c WHERE c.pk > 0
    UNION ALL SELECT 'reference', t.name, f.\"from\", f.\"table\", 0 FROM tables t, pragma_foreign_key_list(t.name) f
    UNION ALL SELECT 'index', m.name,
                     coalesce((SELECT group_concat(i.name, ', ') FROM pragma_index_info(m.name) i), 'an expression'), '', 0
              FROM sqlite_master m WHERE m.type = 'index' AND m.sql IS NOT NULL
    UNION ALL SELECT 'trigger', name, tbl_name, '', 0 FROM sqlite_master WHERE type = 'trigger'
    ORDER BY 1, 2, 5";

const POSTGRES: &str = "
    SELECT 'column' AS kind, table_name::text AS one, column_name::text AS two,
           data_type || CASE is_nullable WHEN 'NO' THEN ' not null' ELSE '' END AS three, ordinal_position::int AS position
    FROM information_schema.columns WHERE table_schema = 'public' AND table_name NOT LIKE '\\_\\_diesel%'
      AND table_name <> 'document_words'
    UNION ALL SELECT 'key', t.relname::text, a.attname::text, '', k.position::int
              FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid
              CROSS JOIN LATERAL unnest(c.conkey) WITH ORDINALITY AS k(number, position)
              JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.number
              WHERE c.contype = 'p' AND t.relname NOT LIKE '\\_\\_diesel%' AND t.relname <> 'document_words'
                AND t.relnamespace = 'public'::regnamespace
    UNION ALL SELECT 'reference', t.relname::text, a.attname::text, r.relname::text, 0
              FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid JOIN pg_class r ON r.oid = c.confrelid
              JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = c.conkey[1] WHERE c.contype = 'f'
    UNION ALL SELECT 'constraint', t.relname::text, c.conname::text, '', 0
              FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid
              WHERE c.contype IN ('c', 'u') AND t.relnamespace = 'public'::regnamespace
    UNION ALL SELECT 'index', i.relname::text,
                     coalesce((SELECT string_agg(a.attname, ', ' ORDER BY k.position)
                      FROM unnest(x.indkey) WITH ORDINALITY AS k(number, position)
                      JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = k.number), 'an expression'), '', 0
              FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
              WHERE i.relnamespace = 'public'::regnamespace AND i.relname NOT LIKE '\\_\\_diesel%'
                AND i.relname <> 'document_words_by_word'
                AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conindid = i.oid AND c.contype IN ('p', 'u'))
    UNION ALL SELECT 'trigger', g.tgname::text, t.relname::text, '', 0
              FROM pg_trigger g JOIN pg_class t ON t.oid = g.tgrelid WHERE NOT g.tgisinternal
    ORDER BY 1, 2, 5";

fn schema_of_sqlite(connection: &mut SqliteConnection) -> Schema {
    let mut schema = Schema::default();
    for row in diesel::sql_query(SQLITE).load::<Row>(connection).unwrap() {
        schema.note(&row.kind, &row.one, &row.two, &row.three);
    }
    // SQLite keeps the names of constraints in the text only.
    #[derive(diesel::QueryableByName)]
    struct Table {
        #[diesel(sql_type = Text)]
        name: String,
        #[diesel(sql_type = Text)]
        sql: String,
    }
    let tables = "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND sql LIKE '%CONSTRAINT%'";
    for table in diesel::sql_query(tables).load::<Table>(connection).unwrap() {
        for part in table.sql.split("CONSTRAINT ").skip(1) {
            schema.note("constraint", &table.name, part.split_whitespace().next().unwrap(), "");
        }
    }
    schema
}

/// The database of this run, outside of the hub.
enum Direct {
    Sqlite(Box<SqliteConnection>),
    Postgres(tokio_postgres::Client),
}

impl Direct {
    async fn to(database: &Database) -> Self {
        if !database.is_postgres {
            let file = database.url.strip_prefix("sqlite://").unwrap();
            let mut connection = SqliteConnection::establish(file).unwrap();
            connection.batch_execute("PRAGMA busy_timeout = 5000").unwrap();
            return Self::Sqlite(Box::new(connection));
        }
        let (client, driver) = tokio_postgres::connect(&database.url, tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(driver);
        Self::Postgres(client)
    }

    async fn run(&mut self, file: &str) {
        match self {
            Self::Sqlite(c) => c.batch_execute(&script("sqlite", file)).unwrap(),
            Self::Postgres(c) => c.batch_execute(&script("postgres", file)).await.unwrap(),
        }
    }

    async fn schema(&mut self) -> Schema {
        let client = match self {
            Self::Sqlite(c) => return schema_of_sqlite(c),
            Self::Postgres(client) => client,
        };
        let mut schema = Schema::default();
        for row in client.query(POSTGRES, &[]).await.unwrap() {
            schema.note(row.get("kind"), row.get("one"), row.get("two"), row.get("three"));
        }
        schema
    }

    /// What is left of ours when everything was taken back.
    async fn left(&mut self) -> i64 {
        #[derive(diesel::QueryableByName)]
        struct Number {
            #[diesel(sql_type = BigInt)]
            number: i64,
        }
        match self {
            Self::Sqlite(c) => {
                let sql = "SELECT count(*) AS number FROM sqlite_master WHERE name NOT LIKE '\\_\\_diesel%' ESCAPE '\\' \
                           AND name NOT LIKE 'sqlite%'";
                diesel::sql_query(sql).get_result::<Number>(&mut **c).unwrap().number
            }
            Self::Postgres(c) => {
                let sql = "SELECT (SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace \
                           AND relname NOT LIKE '\\_\\_diesel%') + (SELECT count(*) FROM pg_proc \
                           WHERE pronamespace = 'public'::regnamespace AND proname NOT LIKE 'diesel%')";
                c.query_one(sql, &[]).await.unwrap().get(0)
            }
        }
    }
}

async fn migrated() -> (tempfile::TempDir, Database) {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::make(folder.path()).await;
    let config = docaxis::config::Database { url: database.url.clone().into(), ..Default::default() };
    Store::open(&config, folder.path()).unwrap();
    (folder, database)
}

fn in_memory() -> SqliteConnection {
    let mut connection = SqliteConnection::establish(":memory:").unwrap();
    connection.batch_execute(&script("sqlite", "up.sql")).unwrap();
    connection
}

#[test]
fn both_databases_have_migrations_of_the_same_names() {
    assert_eq!(names("sqlite"), names("postgres"));
    assert!(!names("sqlite").is_empty());
}

#[tokio::test]
async fn everything_can_be_taken_back_and_made_again() {
    let (_folder, database) = migrated().await;
    let mut direct = Direct::to(&database).await;
    let first = direct.schema().await;

    direct.run("down.sql").await;
    let left = direct.left().await;
    direct.run("up.sql").await;

    assert_eq!(left, 0, "down.sql leaves something behind");
    assert_eq!(direct.schema().await, first);
}

#[tokio::test]
async fn the_database_of_this_run_has_the_tables_of_sqlite() {
    let (_folder, database) = migrated().await;

    let schema = Direct::to(&database).await.schema().await;

    assert!(schema.columns.len() > 50 && schema.constraints.len() > 5 && schema.triggers.len() == 15, "{schema:#?}");
    assert_eq!(schema, schema_of_sqlite(&mut in_memory()));
}

#[test]
fn named_constraints_and_indexes_say_the_same_on_both_databases() {
    let said = |database: &str| -> Vec<String> {
        let sql = script(database, "up.sql").replace('\n', " ");
        let mut said: Vec<String> = Vec::new();
        let statements = sql.split(';').map(|s| s.split_whitespace().collect::<Vec<_>>().join(" "));
        for statement in statements.filter(|statement| !statement.contains("document_words")) {
            let statement = statement.strip_suffix("WITHOUT ROWID").unwrap_or(&statement).trim_end();
            said.extend(statement.split("CONSTRAINT ").skip(1).map(|c| c.trim_end_matches([',', ')', ' ']).to_owned()));
            said.extend(statement.find("CREATE INDEX ").map(|at| statement[at..].to_owned()));
        }
        said
    };

    assert!(said("sqlite").len() > 10);
    assert_eq!(said("sqlite"), said("postgres"));
}

/// `src/store/schema.rs` as the migrations make it.
fn schema_text() -> String {
    let schema = schema_of_sqlite(&mut in_memory());
    let mut text = String::from(
        "//! Tables as diesel sees them. Generated from the migrations by `make schema`; never edited.\n\n",
    );
    #[derive(diesel::QueryableByName)]
    struct Column {
        #[diesel(sql_type = Text)]
        name: String,
    }
    for (table, key) in &schema.keys {
        text.push_str(&format!("diesel::table! {{\n    {table} ({}) {{\n", key.join(", ")));
        let names = format!("SELECT name FROM pragma_table_info('{table}') ORDER BY cid");
        for Column { name } in diesel::sql_query(names).load::<Column>(&mut in_memory()).unwrap() {
            let kind = &schema.columns[&(table.clone(), name.clone())];
            text.push_str(&format!("        {name} -> {kind},\n"));
        }
        text.push_str("    }\n}\n\n");
    }
    text.push_str("diesel::allow_tables_to_appear_in_same_query!(\n");
    schema.keys.keys().for_each(|table| text.push_str(&format!("    {table},\n")));
    text.push_str(");\n");
    text
}

#[test]
fn the_schema_file_is_what_the_migrations_make() {
    let file = root().join("src/store/schema.rs");
    if std::env::var_os("DOCAXIS_WRITE_DOCS").is_some() {
        std::fs::write(&file, schema_text()).unwrap();
    }

    assert_eq!(std::fs::read_to_string(file).unwrap(), schema_text(), "run `make schema`");
}

#[tokio::test]
async fn evidence_and_time_stamps_are_neither_changed_nor_deleted() {
    let (_folder, database) = migrated().await;
    let evidence =
        "INSERT INTO evidence (evidence_id, event, at, facts) VALUES ('1', 'x', '2026-11-21 02:00:00', '{}')";
    let stamp =
        "INSERT INTO timestamps (tree_size, stamped_at, authority, token) VALUES (1, '2026-11-21 02:00:00', 'x', '')";
    let changes = [
        (evidence, "UPDATE evidence SET event = 'y'"),
        (evidence, "DELETE FROM evidence"),
        (stamp, "UPDATE timestamps SET authority = 'y'"),
        (stamp, "DELETE FROM timestamps"),
    ];
    for (insert, change) in changes {
        let refused = match Direct::to(&database).await {
            Direct::Sqlite(mut c) => {
                let _ = c.batch_execute(insert);
                c.batch_execute(change).unwrap_err().to_string()
            }
            Direct::Postgres(c) => {
                let _ = c.batch_execute(insert).await;
                format!("{:?}", c.batch_execute(change).await.unwrap_err())
            }
        };
        assert!(refused.contains("append-only"), "{refused}");
    }
}
