//! Reports for people as PDF, with the national header and a font of its own: text in one column, page after page, the same
//! bytes for the same text. Not here: what a report says.

use krilla::Document;
use krilla::geom::Point;
use krilla::page::PageSettings;
use krilla::text::{Font, TextDirection};
use skrifa::instance::{LocationRef, Size};
use skrifa::{FontRef, MetadataProvider};

/// A4 in points, and the edges that stay free.
const PAGE: (f32, f32) = (595.0, 842.0);
const EDGE: f32 = 62.0;
const SMALL: f32 = 11.0;
const TITLE: f32 = 15.0;

const REGULAR: &[u8] = include_bytes!("pdf/BeVietnamPro-Regular.ttf");
const BOLD: &[u8] = include_bytes!("pdf/BeVietnamPro-SemiBold.ttf");

/// A style of letters.
struct Face {
    font: Font,
    measured: FontRef<'static>,
}

impl Face {
    fn new(file: &'static [u8]) -> Option<Self> {
        Some(Self { font: Font::new(file.to_vec().into(), 0)?, measured: FontRef::new(file).ok()? })
    }

    /// How wide a text is.
    fn width(&self, text: &str, size: f32) -> f32 {
        let (signs, metrics) =
            (self.measured.charmap(), self.measured.glyph_metrics(Size::new(size), LocationRef::default()));
        text.chars().filter_map(|sign| metrics.advance_width(signs.map(sign)?)).sum()
    }
}

/// A piece of text on a page.
struct Mark {
    at: (f32, f32),
    size: f32,
    is_bold: bool,
    text: String,
}

/// A report being drawn.
pub struct Paper {
    regular: Face,
    bold: Face,
    pages: Vec<Vec<Mark>>,
    y: f32,
}

impl Paper {
    /// An empty page.
    pub fn new() -> Option<Self> {
        Some(Self { regular: Face::new(REGULAR)?, bold: Face::new(BOLD)?, pages: vec![Vec::new()], y: EDGE })
    }

    fn face(&self, is_bold: bool) -> &Face {
        if is_bold { &self.bold } else { &self.regular }
    }

    /// Puts a text that is centred on a place.
    fn centre(&mut self, x: f32, text: &str, (size, is_bold): (f32, bool)) {
        let left = x - self.face(is_bold).width(text, size) / 2.0;
        self.put(left, text.to_owned(), (size, is_bold));
    }

    fn put(&mut self, x: f32, text: String, (size, is_bold): (f32, bool)) {
        let mark = Mark { at: (x, self.y), size, is_bold, text };
        if let Some(page) = self.pages.last_mut() {
            page.push(mark);
        }
    }

    /// Goes down, on to a new page where this one ends.
    fn down(&mut self, by: f32) {
        self.y += by;
        if self.y > PAGE.1 - EDGE {
            self.pages.push(Vec::new());
            self.y = EDGE;
        }
    }

    /// Two texts side by side, each in the middle of its half.
    pub fn two(&mut self, (left, right): (&str, &str), is_bold: bool) {
        self.centre(EDGE + 95.0, left, (SMALL - 1.0, is_bold));
        self.centre(PAGE.0 - EDGE - 125.0, right, (SMALL - 1.0, is_bold));
        self.down(16.0);
    }

    /// A title, and the same in English.
    pub fn title(&mut self, title: &str, english: &str) {
        self.down(24.0);
        self.centre(PAGE.0 / 2.0, title, (TITLE, true));
        self.down(18.0);
        self.centre(PAGE.0 / 2.0, english, (SMALL, false));
        self.down(24.0);
    }

    /// What something is called, and what it is.
    pub fn row(&mut self, label: &str, value: &str) {
        self.put(EDGE, label.to_owned(), (SMALL, false));
        self.wrapped(EDGE + 200.0, value, true);
    }

    /// A paragraph.
    pub fn text(&mut self, text: &str) {
        self.down(6.0);
        self.wrapped(EDGE, text, false);
    }

    /// Writes a text in as many lines as it takes.
    fn wrapped(&mut self, x: f32, text: &str, is_bold: bool) {
        let most = PAGE.0 - EDGE - x;
        let mut line = String::new();
        for word in text.split_inclusive(' ') {
            let longer = format!("{line}{word}");
            if !line.is_empty() && self.face(is_bold).width(longer.trim_end(), SMALL) > most {
                self.put(x, line, (SMALL, is_bold));
                self.down(17.0);
                line = word.to_owned();
            } else {
                line = longer;
            }
        }
        self.put(x, line, (SMALL, is_bold));
        self.down(17.0);
    }

    /// The file; nothing when it cannot be made.
    pub fn finish(self) -> Option<Vec<u8>> {
        let mut document = Document::new();
        for marks in &self.pages {
            let mut page = document.start_page_with(PageSettings::from_wh(PAGE.0, PAGE.1)?);
            let mut surface = page.surface();
            for mark in marks {
                let (x, y) = mark.at;
                let font = self.face(mark.is_bold).font.clone();
                surface.draw_text(Point::from_xy(x, y), font, mark.size, &mark.text, false, TextDirection::LeftToRight);
            }
            surface.finish();
            page.finish();
        }
        document.finish().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_text_gives_the_same_bytes_on_as_many_pages_as_it_takes() {
        let draw = |lines: usize| {
            let mut paper = Paper::new().unwrap();
            paper.two(("TRỤC LIÊN THÔNG", "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM"), true);
            paper.title("BÁO CÁO", "Report");
            (0..lines).for_each(|_| paper.row("Cơ quan", &"Ủy ban nhân dân xã Đường Lâm ".repeat(3)));
            paper.finish().unwrap()
        };
        assert!(draw(1).starts_with(b"%PDF-"));
        assert_eq!(draw(3), draw(3));
        let pages = |file: &[u8]| String::from_utf8_lossy(file).matches("/Type/Page\n").count();
        assert!(draw(60).len() > draw(1).len() && pages(&draw(60)) >= pages(&draw(1)));
    }

    #[test]
    fn no_line_is_wider_than_its_column() {
        let mut paper = Paper::new().unwrap();
        paper.text(&"Văn bản điện tử được gửi, nhận qua Trục liên thông ".repeat(9));
        for mark in paper.pages.iter().flatten() {
            assert!(paper.regular.width(mark.text.trim_end(), mark.size) <= PAGE.0 - 2.0 * EDGE, "{}", mark.text);
        }
        assert!(paper.pages[0].len() > 3);
    }
}
