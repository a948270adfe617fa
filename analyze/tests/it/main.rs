//! The analyzer from outside: directories in, comparisons out.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod ancestor_defects;
mod classic;
mod compare_categories;
mod compare_causes;
mod compare_comparable;
mod compare_failures;
mod compare_foreign;
mod compare_gate;
mod compare_host;
mod compare_input;
mod compare_laws;
mod compare_learnt;
mod compare_matching;
mod compare_more;
mod compare_passed;
mod compare_rhs;
mod compare_run;
mod compare_schema;
mod compare_sequential;
mod compare_sessions;
mod compare_sides;
mod decision;
mod decisions;
mod diagnostics;
mod discover;
mod grounds;
mod history;
mod history_confirm;
mod history_names;
mod history_oddities;
mod hosts;
mod hosts_rates;
mod in_order;
mod moderated;
mod plan_sides;
mod plans;
mod plans_designs;
mod session_pages;
mod support;
