//! Tables of kinds: a line for each, whose word people write and whose own file says what it does. Who uses a kind asks it by the
//! functions of its trait `Own`, and knows none by name.

/// Makes the type of a table's lines: name, word, what is its own, and what it is. `const LIST` is all words, as people read them.
macro_rules! kinds {
    (
        $(#[doc = $of:literal])* enum $kinds:ident, $(#[doc = $of_list:literal])* const $list:ident = [$($more:literal,)*];
        $($kind:ident $word:literal $own:path: $what:literal;)*
    ) => {
        $(#[doc = $of])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $kinds {
            $(#[doc = $what] $kind,)*
        }

        $(#[doc = $of_list])*
        pub const $list: &str = {
            // The first two characters are the comma before the first word.
            const ALL: &str = concat!($(", ", $more,)* $(", ", $word),*);
            ALL.split_at(2).1
        };

        impl $kinds {
            /// All of them.
            pub const ALL: [$kinds; [$($word),*].len()] = [$($kinds::$kind),*];

            /// Their words.
            pub const WORDS: [&'static str; [$($word),*].len()] = [$($word),*];

            /// By its word.
            pub fn parse(word: &str) -> Option<$kinds> {
                match word {
                    $($word => Some($kinds::$kind),)*
                    _ => None,
                }
            }

            /// The word in files and on the command line.
            pub fn word(self) -> &'static str {
                match self {
                    $($kinds::$kind => $word,)*
                }
            }

            /// The same for people.
            pub fn words(self) -> &'static str {
                match self {
                    $($kinds::$kind => $what,)*
                }
            }

            fn own(self) -> &'static dyn Own {
                match self {
                    $($kinds::$kind => &$own,)*
                }
            }
        }
    };
}
