//! Questions that are answered on a thread of their own, one at a time.

use std::sync::mpsc::{Sender, channel};
use std::thread;

use crate::settings::ConnectError;

/// The asker's side. The thread ends when it is dropped, once the question on hand is answered.
pub(super) struct Inquiry<Q> {
    questions: Sender<Q>,
    is_asking: bool,
}

impl<Q: Send + 'static> Inquiry<Q> {
    /// Starts the thread, which sends what it finds to `answers`.
    ///
    /// # Errors
    /// If there is no thread to be had.
    pub fn start<A: Send + 'static>(
        name: &str,
        answers: Sender<A>,
        mut find: impl FnMut(Q) -> A + Send + 'static,
    ) -> Result<Self, ConnectError> {
        let (questions, asked) = channel();
        let serve = move || {
            while let Ok(question) = asked.recv() {
                if answers.send(find(question)).is_err() {
                    return;
                }
            }
        };
        let thread = thread::Builder::new().name(name.to_owned()).spawn(serve);
        thread.map_err(|error| ConnectError(error.to_string()))?;
        Ok(Self { questions, is_asking: false })
    }

    /// Asks, unless a question is open; whether it did. A thread that has died never answers.
    pub fn ask(&mut self, question: Q) -> bool {
        let asks = !self.is_asking && self.questions.send(question).is_ok();
        self.is_asking |= asks;
        asks
    }

    /// The answer has come.
    pub fn answered(&mut self) {
        self.is_asking = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_question_is_open_at_a_time() {
        let (answer, answers) = channel();
        let mut inquiry = Inquiry::start("test", answer, |number: u8| number + 1).unwrap();
        assert!(inquiry.ask(1));
        assert!(!inquiry.ask(5), "the first is not answered yet");
        assert_eq!(answers.recv(), Ok(2));
        inquiry.answered();
        assert!(inquiry.ask(7));
        assert_eq!(answers.recv(), Ok(8));
    }
}
