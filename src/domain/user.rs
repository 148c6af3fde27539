//! People who use the portal: their roles, names and passwords. Not here: sessions, hashes, what a page shows.

use super::rules::Wording;
use super::text;

/// What a person is there for (design D11).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserRole {
    /// Văn thư: looks after the documents of agencies.
    Clerk,
    /// Looks at what a warrant allows, of what happened to the documents of agencies.
    Auditor,
    /// Keeps the hub going; sees every agency's log.
    Operator,
    /// Makes users; sees every agency's log.
    Administrator,
}

impl UserRole {
    /// Every role.
    pub const ALL: [Self; 4] = [Self::Clerk, Self::Auditor, Self::Operator, Self::Administrator];

    /// The word in tables and commands.
    pub fn word(self) -> &'static str {
        match self {
            Self::Clerk => "clerk",
            Self::Auditor => "auditor",
            Self::Operator => "operator",
            Self::Administrator => "administrator",
        }
    }

    /// The role of that word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.word() == word)
    }

    /// What people call it.
    pub fn name(self) -> Wording {
        match self {
            Self::Clerk => Wording::new("Văn thư", "Clerk"),
            Self::Auditor => Wording::new("Kiểm tra", "Auditor"),
            Self::Operator => Wording::new("Vận hành", "Operator"),
            Self::Administrator => Wording::new("Quản trị", "Administrator"),
        }
    }

    /// Whether the logs of all agencies are open to it; else those that it was given.
    pub fn sees_every_agency(self) -> bool {
        match self {
            Self::Clerk | Self::Auditor => false,
            Self::Operator | Self::Administrator => true,
        }
    }

    /// Whether the numbers of all agencies are open to it, which tell of no document; else those of its own.
    pub fn sees_every_number(self) -> bool {
        match self {
            Self::Clerk => false,
            Self::Auditor | Self::Operator | Self::Administrator => true,
        }
    }

    /// Whether it looks under a warrant.
    pub fn is_auditor(self) -> bool {
        self == Self::Auditor
    }

    /// Whether it looks after accounts.
    pub fn makes_users(self) -> bool {
        match self {
            Self::Clerk | Self::Auditor | Self::Operator => false,
            Self::Administrator => true,
        }
    }

    /// Whether it can change the hub or who uses it: such sessions lock sooner.
    pub fn is_powerful(self) -> bool {
        self.sees_every_agency()
    }
}

/// Shortest and longest name to sign in with.
const LOGIN_CHARS: std::ops::RangeInclusive<usize> = 3..=64;

/// Longest password that is taken at all: hashing costs time by length.
pub const PASSWORD_CHARS_MAX: usize = 256;

/// A name to sign in with, in lower case; nothing when it is of another form.
pub fn login(text: &str) -> Option<String> {
    let text = text.trim().to_lowercase();
    let is_of_login = |c: char| c.is_ascii_alphanumeric() || "._-@".contains(c);
    let has_letter = text.chars().any(|c| c.is_ascii_alphanumeric());
    (LOGIN_CHARS.contains(&text.len()) && has_letter && text.chars().all(is_of_login)).then_some(text)
}

/// What a password must be.
#[derive(Debug, Clone, Copy)]
pub struct PasswordRules {
    /// Fewest characters beside a second factor.
    pub chars_min: usize,
    /// Fewest without one; then letters of both cases, digits and signs are wanted too.
    pub chars_min_alone: usize,
}

/// What is wrong with a password; nothing when it may be used.
pub fn password_faults(password: &str, login: &str, has_second_factor: bool, rules: PasswordRules) -> Vec<Wording> {
    let mut faults = Vec::new();
    let chars = password.chars().count();
    let least = if has_second_factor { rules.chars_min } else { rules.chars_min_alone };
    if chars < least {
        faults.push(Wording::new(
            format!("Mật khẩu phải có ít nhất {least} ký tự."),
            format!("The password needs at least {least} characters."),
        ));
    }
    if chars > PASSWORD_CHARS_MAX {
        faults.push(Wording::new("Mật khẩu quá dài.", "The password is too long."));
    }
    let kinds: [fn(char) -> bool; 4] =
        [char::is_lowercase, char::is_uppercase, char::is_numeric, |c| !c.is_alphanumeric()];
    if !has_second_factor && !kinds.iter().all(|kind| password.chars().any(kind)) {
        faults.push(Wording::new(
            "Khi chưa bật xác thực hai lớp, mật khẩu phải có chữ thường, chữ hoa, chữ số và ký hiệu.",
            "Without a second factor the password needs small and capital letters, digits and signs.",
        ));
    }
    if text::folded(password).replace(' ', "").contains(&text::folded(login).replace(' ', "")) {
        faults.push(Wording::new(
            "Mật khẩu không được chứa tên đăng nhập.",
            "The password must not contain the name to sign in with.",
        ));
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: PasswordRules = PasswordRules { chars_min: 8, chars_min_alone: 14 };

    #[test]
    fn a_login_is_of_plain_letters_in_lower_case() {
        assert_eq!(login(" Lan.VP "), Some("lan.vp".to_owned()));
        for bad in ["", "ab", "---", "có dấu", "a b c", "<script>", &"x".repeat(65)] {
            assert_eq!(login(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_password_is_longer_where_nothing_stands_beside_it() {
        let faults = |password, second| password_faults(password, "lan.vp", second, RULES).len();
        assert_eq!(faults("bonbon88", true), 0);
        assert_eq!(faults("bonbon8", true), 1);
        assert_eq!(faults("bonbon88", false), 2);
        assert_eq!(faults("Bon bon 88 chiec!", false), 0);
        assert_eq!(faults("xLan.VP-1234567!", false), 1);
        assert_eq!(faults(&"x".repeat(257), true), 1);
    }
}
