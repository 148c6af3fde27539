//! What a ledger asks of a witness and is answered, as C2SP tlog-witness writes it: the body of `add-checkpoint`. Pure: who
//! asks whom and what is answered is decided elsewhere.

use super::checkpoint::Key;
use super::merkle::{Hash, hash_of};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Hashes of a proof that the protocol allows.
const HASHES_MAX: usize = 63;

/// The media type of an answer that says how large the ledger is for the witness.
pub const SIZE_MEDIA: &str = "text/x.tlog.size";

/// A signed head that is to be cosigned, and the proof that it grew from the one that the witness has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// How large the ledger is for the witness.
    pub old: u64,
    /// That it grew from there.
    pub path: Vec<Hash>,
    /// The signed head.
    pub note: String,
}

impl Asked {
    /// What a body asks; nothing when it is of another form.
    pub fn parse(body: &str) -> Option<Self> {
        let (head, note) = body.split_once("\n\n")?;
        let mut lines = head.split('\n');
        let old = number(lines.next()?.strip_prefix("old ")?)?;
        let path: Option<Vec<Hash>> = lines.map(|line| hash_of(&STANDARD.decode(line).ok()?)).collect();
        let path = path.filter(|path| path.len() <= HASHES_MAX)?;
        Some(Self { old, path, note: note.to_owned() })
    }

    /// It as a body.
    pub fn body(&self) -> String {
        let hashes: String = self.path.iter().map(|hash| STANDARD.encode(hash) + "\n").collect();
        format!("old {}\n{hashes}\n{}", self.old, self.note)
    }
}

/// The size that a witness answers.
pub fn size_of(body: &str) -> Option<u64> {
    number(body.strip_suffix('\n')?)
}

/// A number as it is written, and not in another way.
pub fn number(text: &str) -> Option<u64> {
    text.parse().ok().filter(|number: &u64| number.to_string() == text)
}

/// The witnesses of a setting, `KEY URL, KEY URL`; nothing when one cannot be read.
pub fn witnesses(list: &str) -> Option<Vec<(Key, String)>> {
    let witness = |text: &str| {
        let (key, url) = text.trim().split_once(' ')?;
        Some((Key::parse_witness(key)?, url.trim().trim_end_matches('/').to_owned()))
    };
    list.split(',').filter(|part| !part.trim().is_empty()).map(witness).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification, with a shorter signature.
    const BODY: &str = "old 20852014\nPlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n\
        jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=\n\nexample.com/behind-the-sofa\n20852163\n\
        CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\u{2014} example.com/behind-the-sofa Az3grlgtzPICa5OS8npV\n";

    #[test]
    fn a_body_is_read_as_it_is_written() {
        let asked = Asked::parse(BODY).unwrap();

        assert_eq!((asked.old, asked.path.len(), asked.body().as_str()), (20_852_014, 2, BODY));
        assert!(asked.note.starts_with("example.com/behind-the-sofa\n20852163\n"));
        let first = Asked { old: 0, path: Vec::new(), note: asked.note };
        assert_eq!(Asked::parse(&first.body()).as_ref(), Some(&first));
    }

    #[test]
    fn a_body_of_another_form_is_refused() {
        let many = "PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n".repeat(64);
        for wrong in [
            "",
            "old 1\n",
            "old 01\n\nnote",
            "old -1\n\nnote",
            "new 1\n\nnote",
            "old 1\nPlRN\n\nnote",
            "old 1\n \n\nnote",
            &format!("old 1\n{many}\nnote"),
        ] {
            assert_eq!(Asked::parse(wrong), None, "{wrong}");
        }
        assert_eq!([size_of("7\n"), size_of("7"), size_of("07\n"), size_of("\n")], [Some(7), None, None, None]);
    }

    #[test]
    fn a_list_of_witnesses_is_read_whole_or_not_at_all() {
        let key = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
        let read = witnesses(&format!("{key} https://w.example/, {key} https://x.example/a")).unwrap();

        assert_eq!(
            read.iter().map(|(_, url)| url.as_str()).collect::<Vec<_>>(),
            ["https://w.example", "https://x.example/a"]
        );
        assert_eq!(witnesses(" "), Some(Vec::new()));
        assert_eq!((witnesses(key), witnesses("a+b+c https://w.example")), (None, None));
    }
}
