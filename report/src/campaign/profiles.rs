//! Profiles of a campaign on its page: boots of their own, of which nothing is judged.

use crate::html::foreign;
use maud::{Markup, html};
use model::journal::State;
use model::profile::FLAME_FILE;
use model::readable;

/// A row for each profiled case, with its flame graph.
pub(super) fn section(state: &State) -> Markup {
    html! {
        section #profiles aria-labelledby="h-profiles" {
            h2 #h-profiles { "Profiles" }
            p.caption { "Taken in one boot more of each environment, behind the others. Never judged: no value of these boots counts." }
            div.scroll tabindex="0" {
                table.sides {
                    thead { tr { th { "environment" } th { "case" } th { "samples" } th { "flame graph" } } }
                    tbody {
                        @for (environment, profile) in &state.profiles {
                            @for case in &profile.cases {
                                tr {
                                    td { (foreign(environment)) }
                                    th scope="row" { code { (foreign(&readable(&case.case.id()))) } }
                                    td {
                                        @for (i, stacks) in case.stacks.iter().enumerate() {
                                            @if i > 0 { ", " } (foreign(&stacks.of)) " " (stacks.samples)
                                        }
                                    }
                                    td { a href=(href(&format!("{environment}/{}/{FLAME_FILE}", case.folder))) { "flame graph" } }
                                }
                            }
                        }
                    }
                }
            }
            ul.notes {
                @for (environment, profile) in &state.profiles {
                    @for told in &profile.told { li { (foreign(environment)) ": " (foreign(told)) } }
                }
            }
        }
    }
}

/// A relative path as a link: everything that is not plain is percent-encoded, so that it can neither leave the page's
/// folder by a scheme nor end the attribute.
pub(super) fn href(path: &str) -> String {
    let mut out = String::from("./");
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' | b'~' | b'=' | b',' => {
                out.push(char::from(byte));
            }
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}
