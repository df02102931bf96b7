//! A linear look at a text before the real parser sees it.
//!
//! The real parser is recursive. The scan follows the same lexical rules, and refuses the rare
//! constructs for which the two could disagree about where a tag ends. Where the parser would find
//! a syntax error the scan may stop looking: the parser gets no further than that, either.

use super::error::{Position, TextError, TextFault};
use crate::limits::{TEXT_BYTES, TEXT_DEPTH, TEXT_EXPRESSIONS};

/// The parser looks ahead from each backslash to the end of its run: quadratic time.
const BACKSLASHES: usize = 64;

/// Checks length, number of expressions and nesting.
pub(super) fn scan(source: &str) -> Result<(), TextError> {
    if source.len() > TEXT_BYTES {
        let fault = TextFault::TooLong { length: source.len() };
        return Err(TextError { fault, position: None, hint: None });
    }
    if let Some(run) = source.find(&"\\".repeat(BACKSLASHES + 1)) {
        let what = "more than 64 backslashes in a row";
        return Err(TextError::at(Position::of(source, run), TextFault::Unsupported { what }));
    }
    let mut scan = Scan { source, at: 0, expressions: 0, blocks: Vec::new(), long_comments: true };
    while scan.tag()? {}
    Ok(())
}

struct Scan<'s> {
    source: &'s str,
    at: usize,
    expressions: usize,
    /// For each open block, how deep it counts: once, and once more for each `{{else if …}}`.
    blocks: Vec<usize>,
    /// A `--}}` may lie ahead.
    long_comments: bool,
}

impl Scan<'_> {
    fn rest(&self) -> &str {
        &self.source[self.at..]
    }

    fn skip_space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len();
    }

    fn eat(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        self.at += if found { token.len() } else { 0 };
        found
    }

    fn refuse<T>(&self, byte: usize, fault: TextFault) -> Result<T, TextError> {
        Err(TextError::at(Position::of(self.source, byte), fault))
    }

    fn unsupported<T>(&self, byte: usize, what: &'static str) -> Result<T, TextError> {
        self.refuse(byte, TextFault::Unsupported { what })
    }

    /// Goes behind the next tag; `false` at the end of the text.
    fn tag(&mut self) -> Result<bool, TextError> {
        let Some(start) = self.rest().find("{{").map(|found| self.at + found) else {
            return Ok(false);
        };
        let before = &self.source[self.at..start];
        let backslashes = before.len() - before.trim_end_matches('\\').len();
        self.at = start + "{{".len();
        if backslashes == 1 {
            self.eat("{{");
            return Ok(true);
        }
        self.expressions += 1;
        if self.expressions > TEXT_EXPRESSIONS {
            return self.refuse(start, TextFault::TooManyExpressions);
        }
        if self.eat("!") {
            return Ok(self.comment());
        }
        if self.rest().starts_with("{{") {
            return self.unsupported(start, "raw blocks");
        }
        self.opening(start)?;
        if self.blocks.iter().sum::<usize>() > TEXT_DEPTH {
            return self.refuse(start, TextFault::TooDeep);
        }
        self.inside(start)
    }

    fn comment(&mut self) -> bool {
        self.skip_space();
        if self.long_comments && self.eat("--") {
            match self.rest().find("--}}") {
                Some(end) => {
                    self.at += end + "--}}".len();
                    return true;
                }
                None => self.long_comments = false,
            }
        }
        let end = self.rest().find("}}");
        self.at += end.map_or(self.rest().len(), |end| end + "}}".len());
        end.is_some()
    }

    /// What stands directly behind the braces decides what kind of tag it is.
    fn opening(&mut self, start: usize) -> Result<(), TextError> {
        self.skip_space();
        self.eat("~");
        self.skip_space();
        if self.eat("#") {
            self.skip_space();
            self.blocks.push(1);
        } else if self.eat("/") {
            self.blocks.pop();
        } else if self.eat("else") || self.eat("^") {
            self.skip_space();
            let plain = self.rest().starts_with(['}', '~']);
            if let Some(block) = self.blocks.last_mut().filter(|_| !plain) {
                *block += 1;
            }
        } else if !self.eat("{") {
            self.eat("&");
        }
        match self.rest().chars().next() {
            Some('>') => self.unsupported(start, "partials"),
            Some('*') => self.unsupported(start, "decorators"),
            _ => Ok(()),
        }
    }

    /// Goes to the end of the tag.
    fn inside(&mut self, start: usize) -> Result<bool, TextError> {
        let mut depth: usize = 0;
        while let Some(found) = self.rest().find(['"', '\'', '[', '(', ')', '{', '}']) {
            self.at += found;
            match self.source.as_bytes()[self.at] {
                quote @ (b'"' | b'\'') => {
                    if !self.string(quote) {
                        return Ok(false);
                    }
                    continue;
                }
                b'[' => {
                    let Some(length) = self.rest().find(']') else {
                        return Ok(false);
                    };
                    let inner = &self.rest()[1..length];
                    if inner.contains(['"', '\'', '[', '(', ')', '{', '}']) {
                        return self.unsupported(self.at, "quotes and brackets between [ and ]");
                    }
                    self.at += length;
                }
                b'(' => {
                    depth += 1;
                    if depth > TEXT_DEPTH {
                        return self.refuse(start, TextFault::TooDeep);
                    }
                }
                b')' => depth = depth.saturating_sub(1),
                b'{' => return self.unsupported(self.at, "braces inside a tag"),
                _ => {
                    if self.eat("}}") {
                        return Ok(true);
                    }
                }
            }
            self.at += 1;
        }
        Ok(false)
    }

    /// Goes behind a string; `false` if it does not end.
    fn string(&mut self, quote: u8) -> bool {
        let mut bytes = self.source.as_bytes()[self.at + 1..].iter();
        let length = self.source.len() - self.at - 1;
        while let Some(byte) = bytes.next() {
            match *byte {
                b'\\' => {
                    bytes.next();
                }
                end if end == quote => {
                    self.at += 1 + length - bytes.len();
                    return true;
                }
                _ => {}
            }
        }
        self.at = self.source.len();
        false
    }
}
