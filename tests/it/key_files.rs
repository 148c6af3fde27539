//! Key files of receipts in PKCS #12 form, made by openssl as authorities and other programs make them: hubs start with them and
//! sign so that others verify, or say why they do not start, and never the password.

use crate::receipts::{Folder, flaws_of, signed, xmlsec};
use crate::support::TestHub;
use crate::support::packets::a_document;
use crate::support::program::Program;
use chrono::{TimeDelta, Utc};
use docaxis::exchange::verify::Trust;
use docaxis::signer::certificate::Certificate;
use docaxis::wire::receipt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

const PASSWORD: &str = "mật khẩu, #1";
const RSA: &[&str] = &["-newkey", "rsa:2048"];
const P256: &[&str] = &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"];
/// As Windows and old programs lock them; without RC2, which openssl has no longer everywhere.
const OLD: &[&str] = &["-certpbe", "PBE-SHA1-3DES", "-keypbe", "PBE-SHA1-3DES", "-macalg", "sha1"];
/// As they are locked now, with the use of the key beside it, as Windows writes it.
const NEW: &[&str] = &["-certpbe", "AES-256-CBC", "-keypbe", "AES-256-CBC", "-macalg", "sha256", "-keysig"];

fn openssl(folder: &Folder, arguments: &[&str]) {
    let ran = Command::new("openssl").args(arguments).current_dir(folder.0.path()).output();
    let ran = ran.expect("openssl is needed for this test: make xmlsec");
    assert!(ran.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&ran.stderr));
}

/// A root, an authority below it, a key of the hub that the latter certified, and a certificate of nobody's concern.
fn certified(folder: &Folder, kind: &[&str]) {
    folder.keep("authority.cnf", "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n");
    folder.keep("hub.cnf", "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n");
    for name in ["root", "stranger"] {
        let (key, file, subject) = (format!("{name}.key"), format!("{name}.pem"), format!("/CN=Test {name}"));
        let own = ["req", "-x509", "-nodes", "-days", "3650", "-subj", &subject, "-keyout", &key, "-out", &file];
        openssl(folder, &[&own[..], P256].concat());
    }
    for (name, issuer, kind) in [("authority", "root", P256), ("hub", "authority", kind)] {
        let (key, subject) = (format!("{name}.key"), format!("/CN=Test {name}"));
        let request = ["req", "-new", "-nodes", "-subj", &subject, "-keyout", &key, "-out", "request"];
        openssl(folder, &[&request[..], kind].concat());
        let (file, extensions) = (format!("{name}.pem"), format!("{name}.cnf"));
        let (issuer_file, issuer_key) = (format!("{issuer}.pem"), format!("{issuer}.key"));
        let sign = ["x509", "-req", "-days", "900", "-CAcreateserial", "-in", "request", "-out", &file];
        let by = ["-CA", &issuer_file, "-CAkey", &issuer_key, "-extfile", &extensions];
        openssl(folder, &[&sign[..], &by].concat());
    }
}

/// A file in PKCS #12 form with the key and all certificates, in no order.
fn exported(folder: &Folder, form: &[&str], password: &str) -> PathBuf {
    let text = |name: &str| std::fs::read_to_string(folder.0.path().join(name)).unwrap();
    folder.keep("others.pem", &["stranger.pem", "root.pem", "authority.pem"].map(text).concat());
    let password = format!("pass:{password}");
    let export = ["pkcs12", "-export", "-inkey", "hub.key", "-in", "hub.pem", "-certfile", "others.pem"];
    openssl(folder, &[&export[..], &["-out", "hub.p12", "-passout", &password], form].concat());
    let file = folder.0.path().join("hub.p12");
    for_its_owner(&file);
    file
}

fn for_its_owner(file: &Path) {
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)).unwrap();
}

fn certificates(folder: &Folder, names: &[&str]) -> Vec<Certificate> {
    let read = |name: &&str| Certificate::read_pem(&std::fs::read(folder.0.path().join(name)).unwrap()).unwrap();
    names.iter().flat_map(read).collect()
}

#[tokio::test]
async fn receipts_under_a_key_in_pkcs12_hold_with_the_issuers_in_their_order() {
    for (kind, form) in [(RSA, OLD), (P256, OLD), (RSA, NEW), (P256, NEW)] {
        let folder = Folder::new();
        certified(&folder, kind);
        let file = exported(&folder, form, PASSWORD);
        let hub = TestHub::start_with(|config| {
            config.receipts.key_files = file.display().to_string();
            config.receipts.key_password = PASSWORD.into();
        });
        let hub = hub.await;
        // The authorities are of today.
        hub.after(Utc::now() - hub.now() + TimeDelta::minutes(1));
        let answer = hub.accepted("dms.national", a_document("d1").bytes()).await;

        let text = signed(&hub, "dms.national", answer["envelope_id"].as_str().unwrap()).await;

        let sent = receipt::read(&text).unwrap().certificates;
        let chain = certificates(&folder, &["hub.pem", "authority.pem", "root.pem"]);
        assert_eq!(sent, chain.iter().map(|one| one.der().to_vec()).collect::<Vec<_>>(), "{kind:?} {form:?}");
        for trusted in ["hub.pem", "root.pem"] {
            let trust = Trust { certificates: certificates(&folder, &[trusted]), ..Trust::default() };
            assert_eq!(flaws_of(&text, &trust), [], "{kind:?} {form:?} {trusted}");
        }
        let (holds, said) = xmlsec(&folder.keep("receipt.xml", &text), &folder.0.path().join("root.pem"), hub.now());
        assert!(holds, "{said}");
    }
}

/// A program whose hub has these key files, and what a command says that opens it: how it ends, and all that it prints.
fn opened(program: &Program) -> (i32, String) {
    let ran = program.run(&["receipt", "certificates"]);
    (ran.code, ran.out + &ran.err)
}

#[test]
fn a_hub_without_the_password_says_so_and_never_says_one() {
    let folder = Folder::new();
    certified(&folder, P256);
    let file = exported(&folder, NEW, PASSWORD);
    let program = Program::new(&folder.0.path().join("data"), "").with("DOCAXIS__RECEIPTS__KEY_FILES", &file);
    let with = |password: &str| program.clone().with("DOCAXIS__RECEIPTS__KEY_PASSWORD", password);

    for program in [program.clone(), with("wrong horse")] {
        let ran = program.run(&["serve"]);
        let said = ran.out + &ran.err;
        assert_eq!(ran.code, 2, "{said}");
        assert!(said.contains("hub.p12") && said.contains("receipts.key_password_file"), "{said}");
        let said = said + &program.run(&["doctor"]).out + &program.done(&["config", "print"]);
        assert!(said.contains("no password opens it") && !said.contains("wrong horse"), "{said}");
    }
    let right = with(PASSWORD);
    let (code, said) = opened(&right);
    assert_eq!(code, 0, "{said}");
    assert!(!(said + &right.done(&["config", "print"])).contains(PASSWORD));
}

#[test]
fn passwords_of_several_files_stand_in_one_file_for_its_owner_only() {
    let folder = Folder::new();
    certified(&folder, P256);
    let first = exported(&folder, OLD, "one");
    let (old, passwords) = (first.with_file_name("old.p12"), folder.keep("passwords", "one\ntwo, a longer one\r\n"));
    std::fs::rename(first, &old).unwrap();
    let new = exported(&folder, NEW, "two, a longer one");
    let files = format!("{}, {}", old.display(), new.display());
    let program = Program::new(&folder.0.path().join("data"), "").with("DOCAXIS__RECEIPTS__KEY_FILES", files);
    let program = program.with("DOCAXIS__RECEIPTS__KEY_PASSWORD_FILE", &passwords);

    std::fs::set_permissions(&passwords, std::fs::Permissions::from_mode(0o640)).unwrap();
    let (code, said) = opened(&program);
    assert_eq!(code, 2);
    assert!(said.contains("chmod 600") && said.contains("receipts.key_password_file"), "{said}");
    for_its_owner(&passwords);
    let (code, said) = opened(&program);
    assert_eq!(code, 0, "{said}");
    std::fs::set_permissions(&new, std::fs::Permissions::from_mode(0o644)).unwrap();
    let (code, said) = opened(&program);
    assert_eq!(code, 2);
    assert!(said.contains("chmod 600") && said.contains("hub.p12"), "{said}");
}

#[test]
fn a_file_that_no_receipt_can_be_signed_with_is_named_with_what_is_wrong() {
    let folder = Folder::new();
    certified(&folder, &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"]);
    let file = exported(&folder, NEW, "one");
    let program = Program::new(&folder.0.path().join("data"), "").with("DOCAXIS__RECEIPTS__KEY_FILES", &file);
    let program = program.with("DOCAXIS__RECEIPTS__KEY_PASSWORD", "one");

    let (code, said) = opened(&program);
    assert_eq!(code, 2);
    assert!(said.contains("no private key") && said.contains("P-256"), "{said}");
    let without = ["pkcs12", "-export", "-nokeys", "-in", "hub.pem", "-out", "hub.p12", "-passout", "pass:one"];
    openssl(&folder, &without);
    assert!(opened(&program).1.contains("no private key"));
    let whole = std::fs::read(&file).unwrap();
    std::fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    assert!(opened(&program).1.contains("cannot be read, damaged"));
}
