//! What XML demands and quick-xml lets pass: characters, names, attributes, references, the declaration.

/// What is wrong with a piece of XML.
#[derive(Debug, PartialEq, Eq)]
pub enum Flaw {
    /// Not well-formed, and why.
    NotXml(String),
    /// Not UTF-8, and why.
    Encoding(String),
    /// An entity that XML itself does not know.
    Entity(String),
    /// More attributes on one element than the limit.
    Attributes,
}

impl Flaw {
    fn not_xml<T>(why: &str) -> Result<T, Self> {
        Err(Self::NotXml(why.to_owned()))
    }
}

/// White space as XML sees it.
pub const SPACE: [char; 4] = [' ', '\t', '\r', '\n'];

/// Whether there is nothing but white space.
pub fn is_space(text: &str) -> bool {
    text.bytes().all(|b| matches!(b, b' ' | b'\t' | b'\r' | b'\n'))
}

/// Refuses characters that XML forbids.
pub fn characters(text: &str) -> Result<(), Flaw> {
    let control = |b: &u8| *b < 0x20 && !matches!(b, b'\t' | b'\r' | b'\n');
    // U+FFFE and U+FFFF are the only forbidden characters beyond the control characters; both begin with EF BF.
    let late = memchr::memchr(0xEF, text.as_bytes()).is_some() && text.contains(['\u{FFFE}', '\u{FFFF}']);
    // A fold without early exit is what the compiler turns into wide instructions.
    if late || text.as_bytes().iter().fold(false, |found, b| found | control(b)) {
        return Flaw::not_xml("character that XML forbids");
    }
    Ok(())
}

/// Refuses character data with what XML forbids there.
pub fn character_data(text: &str) -> Result<(), Flaw> {
    characters(text)?;
    if memchr::memchr(b']', text.as_bytes()).is_some() && text.contains("]]>") {
        return Flaw::not_xml("]]> in text");
    }
    Ok(())
}

/// The character that a reference (without `&` and `;`) stands for.
pub fn reference(name: &str) -> Result<char, Flaw> {
    let Some(number) = name.strip_prefix('#') else {
        return match name {
            "lt" => Ok('<'),
            "gt" => Ok('>'),
            "amp" => Ok('&'),
            "quot" => Ok('"'),
            "apos" => Ok('\''),
            other if is_name(other) => Err(Flaw::Entity(other.to_owned())),
            _ => Flaw::not_xml("a reference without a name"),
        };
    };
    let (digits, radix) = number.strip_prefix('x').map_or((number, 10), |hex| (hex, 16));
    let valid = !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix));
    let code = valid.then(|| u32::from_str_radix(digits, radix).ok()).flatten();
    let character = code.and_then(char::from_u32);
    character
        .filter(|c| characters(c.encode_utf8(&mut [0; 4])).is_ok())
        .ok_or_else(|| Flaw::NotXml(format!("&{name}; is no character of XML")))
}

fn is_name_start(c: char) -> bool {
    matches!(c, 'A'..='Z' | 'a'..='z' | '_' | '\u{C0}'..='\u{D6}' | '\u{D8}'..='\u{F6}' | '\u{F8}'..='\u{2FF}'
        | '\u{370}'..='\u{37D}' | '\u{37F}'..='\u{1FFF}' | '\u{200C}'..='\u{200D}' | '\u{2070}'..='\u{218F}'
        | '\u{2C00}'..='\u{2FEF}' | '\u{3001}'..='\u{D7FF}' | '\u{F900}'..='\u{FDCF}' | '\u{FDF0}'..='\u{FFFD}'
        | '\u{10000}'..='\u{EFFFF}')
}

/// Whether the text is a name without a colon.
fn is_name(text: &str) -> bool {
    let inside = |c: char| {
        is_name_start(c)
            || matches!(c, '-' | '.' | '0'..='9' | '\u{B7}' | '\u{300}'..='\u{36F}' | '\u{203F}'..='\u{2040}')
    };
    text.chars().next().is_some_and(is_name_start) && text.chars().all(inside)
}

/// Refuses what is no name, with or without a prefix.
pub fn qualified_name(name: &str) -> Result<(), Flaw> {
    let good = match name.split_once(':') {
        Some((prefix, local)) => is_name(prefix) && is_name(local),
        None => is_name(name),
    };
    if good { Ok(()) } else { Flaw::not_xml("not a name") }
}

/// An attribute as written.
#[derive(Debug, Clone, Copy)]
pub struct Attribute<'a> {
    /// Its name with prefix.
    pub name: &'a str,
    /// What stands between the quotes, references unresolved.
    pub raw: &'a str,
}

impl<'a> Attribute<'a> {
    /// The prefix and the local name, when there is a prefix.
    pub fn prefixed(&self) -> Option<(&'a str, &'a str)> {
        self.name.split_once(':')
    }

    /// The value with its references resolved.
    pub fn value(&self) -> Result<String, Flaw> {
        let mut value = String::with_capacity(self.raw.len());
        let mut rest = self.raw;
        while let Some((before, after)) = rest.split_once('&') {
            let Some((name, behind)) = after.split_once(';') else { return Flaw::not_xml("& without ;") };
            value.push_str(before);
            value.push(reference(name)?);
            rest = behind;
        }
        value.push_str(rest);
        Ok(value)
    }
}

/// Everything behind the name of a tag, strictly; each attribute's value is checked.
pub fn attributes(raw: &str, max: usize) -> Result<Vec<Attribute<'_>>, Flaw> {
    let mut found: Vec<Attribute<'_>> = Vec::new();
    let mut rest = raw;
    loop {
        let trimmed = rest.trim_start_matches(SPACE);
        if trimmed.is_empty() {
            return Ok(found);
        }
        if found.len() == max {
            return Err(Flaw::Attributes);
        }
        if trimmed.len() == rest.len() {
            return Flaw::not_xml("no white space before an attribute");
        }
        let (attribute, behind) = attribute(trimmed)?;
        if found.iter().any(|other| other.name == attribute.name) {
            return Err(Flaw::NotXml(format!("attribute {} stands twice", shortened(attribute.name))));
        }
        found.push(attribute);
        rest = behind;
    }
}

/// The attribute at the beginning of `text`, and what follows it.
fn attribute(text: &str) -> Result<(Attribute<'_>, &str), Flaw> {
    let Some((name, behind)) = text.split_once('=') else { return Flaw::not_xml("an attribute without a value") };
    let name = name.trim_end_matches(SPACE);
    qualified_name(name)?;
    let behind = behind.trim_start_matches(SPACE);
    let quote = match behind.chars().next() {
        Some(quote @ ('"' | '\'')) => quote,
        _ => return Flaw::not_xml("an attribute value without quotes"),
    };
    let quoted = behind.get(1..).and_then(|value| value.split_once(quote));
    let Some((raw, rest)) = quoted else { return Flaw::not_xml("an attribute value without its end") };
    if raw.contains('<') {
        return Flaw::not_xml("< in an attribute value");
    }
    let attribute = Attribute { name, raw };
    if raw.contains('&') {
        attribute.value()?;
    }
    Ok((attribute, rest))
}

/// The XML declaration, behind `<?xml`.
pub fn declaration(raw: &str) -> Result<(), Flaw> {
    let said = attributes(raw, 3)?;
    let mut left = said.iter().peekable();
    let version = left.next_if(|a| a.name == "version");
    let digits = version.and_then(|v| v.raw.strip_prefix("1."));
    if !digits.is_some_and(|d| !d.is_empty() && d.bytes().all(|b| b.is_ascii_digit())) {
        return Flaw::not_xml("a declaration without version 1.0");
    }
    let encoding = left.next_if(|a| a.name == "encoding");
    // Java writes UTF8 in places, and means UTF-8.
    if let Some(other) = encoding.filter(|e| !["UTF-8", "UTF8"].iter().any(|known| e.raw.eq_ignore_ascii_case(known))) {
        return Err(Flaw::Encoding(shortened(other.raw)));
    }
    let standalone = left.next_if(|a| a.name == "standalone");
    if left.next().is_some() || standalone.is_some_and(|s| !matches!(s.raw, "yes" | "no")) {
        return Flaw::not_xml("a declaration that says more than version, encoding and standalone");
    }
    Ok(())
}

/// Refuses a processing instruction whose target is no name or is kept for XML itself.
pub fn instruction(target: &str, content: &str) -> Result<(), Flaw> {
    characters(content)?;
    if target.eq_ignore_ascii_case("xml") {
        return Flaw::not_xml("an XML declaration that is not at the beginning");
    }
    if is_name(target) { Ok(()) } else { Flaw::not_xml("a processing instruction without a name") }
}

/// At most 100 characters of what the packet says, for messages.
pub fn shortened(text: &str) -> String {
    match text.char_indices().nth(100) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_read_strictly() {
        let names = |raw| attributes(raw, 8).map(|all| all.iter().map(|a| a.name.to_owned()).collect::<Vec<_>>());
        assert_eq!(names(r#" a="1"  x:b = '2&#65;"' "#), Ok(vec!["a".to_owned(), "x:b".to_owned()]));
        for bad in ["a='1'", " a='1'b='2'", " a=1", " a", " a='1", " a='<'", " a='1' a='2'", " 1='1'", " a='&b'"] {
            assert!(matches!(names(bad), Err(Flaw::NotXml(_))), "{bad}");
        }
        assert_eq!(names(" a='&b;'"), Err(Flaw::Entity("b".to_owned())));
        assert_eq!(attributes(" a='' b=''", 1).err(), Some(Flaw::Attributes));
    }

    #[test]
    fn references_give_characters_of_xml_only() {
        assert_eq!(reference("#x1EA5"), Ok('ấ'));
        assert_eq!(reference("amp"), Ok('&'));
        for bad in ["#0", "#x0", "#8", "#xD800", "#xFFFE", "#", "#x", "#+65", "#X41", "", "1"] {
            assert!(matches!(reference(bad), Err(Flaw::NotXml(_))), "{bad}");
        }
    }

    #[test]
    fn declarations_are_version_encoding_standalone() {
        for good in [r#" version="1.0""#, " version='1.0' encoding='utf-8' standalone='yes' "] {
            assert_eq!(declaration(good), Ok(()), "{good}");
        }
        for bad in ["", " encoding='UTF-8'", " version='2.0'", " version='1.0' standalone='no' encoding='UTF-8'"] {
            assert!(matches!(declaration(bad), Err(Flaw::NotXml(_))), "{bad}");
        }
        assert!(matches!(declaration(" version='1.0' encoding='UTF-16'"), Err(Flaw::Encoding(_))));
    }
}
