//! The card at the top of a page: what came out in a few words, the numbers that carry it, and what to make of it.

use maud::{Markup, html};

/// One of the numbers that carry an answer.
pub(crate) struct Figure {
    /// The number, with its unit or sign.
    pub value: Markup,
    /// What it is the number of.
    pub what: Markup,
}

/// What a card says.
pub(crate) struct Card<'a> {
    /// The class of its colour: `worse`, `better`, `open` or `quiet`.
    pub tone: &'a str,
    /// The answer, with a sign before it: the colour says nothing alone.
    pub answer: Markup,
    /// Its numbers, three at most.
    pub figures: Vec<Figure>,
    /// Questions of one word and their answers.
    pub lines: Vec<(&'static str, Markup)>,
    /// What stands below: the sentence in full, counts, tables.
    pub more: Markup,
}

/// The card.
pub(crate) fn card(card: &Card<'_>) -> Markup {
    html! {
        div.card.(card.tone) {
            p.answer { (card.answer) }
            @if !card.figures.is_empty() {
                ul.figures { @for figure in &card.figures { li { b { (figure.value) } " " span { (figure.what) } } } }
            }
            @if !card.lines.is_empty() {
                dl.lines { @for (question, answer) in &card.lines { dt { (question) } dd { (answer) } } }
            }
            (card.more)
        }
    }
}
