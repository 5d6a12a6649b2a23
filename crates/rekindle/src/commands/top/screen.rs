//! The terminal while the view is on it.
//!
//! Must stay true: however it ends, the terminal is left as it was found.

use std::io::{IsTerminal, Read, Write, stdin, stdout};
use std::sync::mpsc::{Receiver, channel};

use anyhow::{Context, Result};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};

/// The alternate screen without a cursor, and back.
const ENTER: &str = "\x1b[?1049h\x1b[?25l";
const LEAVE: &str = "\x1b[?25h\x1b[?1049l";
const BOLD: &str = "\x1b[1m";
const RED: &str = "\x1b[31m";
const PLAIN: &str = "\x1b[0m";

/// The terminal, taken over.
pub struct Screen {
    keys: Option<Receiver<u8>>,
    /// How the terminal's input was set, if it was changed.
    found: Option<Termios>,
    has_colour: bool,
}

impl Screen {
    /// Takes the terminal over. Without one on standard input there are no keys, and a signal ends it.
    ///
    /// # Errors
    /// If it cannot be written to.
    pub fn open() -> Result<Self> {
        let found = tcgetattr(stdin()).ok().filter(|_| stdin().is_terminal());
        if let Some(found) = &found {
            let mut wanted = found.clone();
            // Keys come one by one and unseen; Ctrl-C goes on to be a signal.
            wanted.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
            tcsetattr(stdin(), OptionalActions::Now, &wanted).context("the terminal cannot be set up")?;
        }
        let keys = found.as_ref().map(|_| listen());
        let has_colour = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        // From here on whatever happens, the drop restores it.
        let screen = Self { keys, found, has_colour };
        write(ENTER)?;
        Ok(screen)
    }

    /// Whether q was pressed.
    pub fn wants_to_leave(&self) -> bool {
        self.keys.iter().flat_map(Receiver::try_iter).any(|key| matches!(key, b'q' | b'Q'))
    }

    /// Shows a text in place of the last one, as far as there is room.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn draw(&mut self, text: &str) -> Result<()> {
        let (rows, columns) =
            tcgetwinsize(stdout()).map_or((24, 80), |size| (size.ws_row.into(), size.ws_col.into()));
        write(&frame(text, rows, columns, self.has_colour))
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = write(LEAVE);
        if let Some(found) = &self.found {
            let _ = tcsetattr(stdin(), OptionalActions::Now, found);
        }
    }
}

/// What the terminal is sent for a text: each line cut to its width, and the last one telling of those that are not seen.
fn frame(text: &str, rows: usize, columns: usize, has_colour: bool) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let room = rows.saturating_sub(1).max(1);
    let hidden = lines.len().saturating_sub(room);
    let mut frame = "\x1b[H".to_owned();
    for line in &lines[..lines.len() - hidden] {
        let cut: String = line.chars().take(columns).collect();
        match style(line).filter(|_| has_colour) {
            Some(style) => frame += &format!("{style}{cut}{PLAIN}\x1b[K\n"),
            None => frame += &format!("{cut}\x1b[K\n"),
        }
    }
    frame += "\x1b[J";
    if hidden > 0 {
        frame += &format!("… {hidden} more lines; q leaves");
    }
    frame
}

/// A table's head is bold; what needs a person is red.
fn style(line: &str) -> Option<&'static str> {
    if line.contains("HALTED") || line.contains("no answer") {
        return Some(RED);
    }
    let is_head = line.starts_with(|first: char| first.is_ascii_uppercase())
        && !line.contains(|character: char| character.is_ascii_lowercase());
    is_head.then_some(BOLD)
}

/// A thread that hands keys over; it ends with the process.
fn listen() -> Receiver<u8> {
    let (pressed, keys) = channel();
    std::thread::spawn(move || {
        for key in stdin().lock().bytes() {
            let Ok(key) = key else { return };
            if pressed.send(key).is_err() {
                return;
            }
        }
    });
    keys
}

fn write(text: &str) -> Result<()> {
    let mut out = stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_is_cut_to_the_terminal_and_says_so() {
        let shown = frame("HEAD X\nlong line\nthird\nfourth\n", 3, 4, false);
        assert_eq!(shown, "\x1b[HHEAD\x1b[K\nlong\x1b[K\n\x1b[J… 2 more lines; q leaves");
        assert_eq!(frame("a\n", 24, 80, false), "\x1b[Ha\x1b[K\n\x1b[J");
    }

    #[test]
    fn heads_are_bold_and_what_stands_still_is_red_unless_colour_is_unwanted() {
        assert!(frame("HEAD X\n", 9, 80, true).contains("\x1b[1mHEAD X\x1b[0m"));
        assert!(frame("triggers  3  HALTED\n", 9, 80, true).contains("\x1b[31mtriggers"));
        assert!(!frame("HEAD X\n", 9, 80, false).contains("\x1b[1m"));
    }
}
