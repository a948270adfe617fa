//! What a guest draws on, and guests that nobody talks to because they are driven by what they show.

use super::guests;
use model::{Origin, Params, ParamsError};
use vm::guest::hardware::Display;
use vm::guest::way::Way;

/// The key that says it.
const DISPLAY: &str = "display";

/// Whether the guest with these parameters, which are its own, is driven by what it shows.
fn is_seen(own: &Params) -> bool {
    own.get("channel").and_then(|word| Way::parse(word.trim())).is_some_and(Way::is_seen)
}

/// What a guest draws on. One that is driven by what it shows has a screen. Campaigns of before there was the key have none.
///
/// # Errors
/// Another word, or a guest without a screen that is to be driven by it.
pub fn display(own: &Params) -> Result<Display, ParamsError> {
    let Some(param) = own.param(DISPLAY) else { return Ok(Display::None) };
    let display = Display::parse(own.choice(DISPLAY, &Display::WORDS)?).unwrap_or_default();
    match (is_seen(own), display) {
        (true, Display::None) if param.origin != Origin::BuiltIn => {
            Err(own.wrong(DISPLAY, "vga or vnc, because channel is screen"))
        }
        (true, Display::None) => Ok(Display::Vga),
        (_, display) => Ok(display),
    }
}

/// Why QEMU makes a file of its own, where it does: the socket of a VNC server is its own work.
pub fn opens(own: &Params) -> Option<&'static str> {
    let display = own.get(DISPLAY).and_then(|word| Display::parse(word.trim()));
    display
        .filter(|display| display.is_served())
        .map(|_| "display=vnc has QEMU make a socket, which it does itself")
}

/// Refuses what a campaign has no use for: a guest that takes no commands, and a window into what is measured.
///
/// # Errors
/// The key that asks for it.
pub fn refuse_watching(params: &Params) -> Result<(), ParamsError> {
    for guest in &guests(params)? {
        let own = params.object_params(guest);
        if is_seen(&own) {
            let wanted = "another way into the guest: what is measured is told what to do; perfvt drive has guests that are only seen";
            return Err(own.wrong("channel", wanted));
        }
        if opens(&own).is_some() {
            let wanted = "none or vga: nobody looks into a guest that is measured; perfvt drive has vnc";
            return Err(own.wrong(DISPLAY, wanted));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(set: &[(&str, &str)]) -> Params {
        let mut params = Params::new();
        for known in crate::parameters::guest() {
            if let Some(default) = known.default {
                params.set(known.key, default, Origin::BuiltIn);
            }
        }
        for (key, value) in set {
            params.set(*key, *value, Origin::Flag("--set".into()));
        }
        params
    }

    #[test]
    fn a_guest_draws_on_nothing_unless_it_is_asked_to_or_is_driven_by_its_screen() {
        let of = |set: &[(&str, &str)]| display(&params(set));
        assert_eq!(display(&Params::new()).unwrap(), Display::None);
        assert_eq!(of(&[]).unwrap(), Display::None);
        assert_eq!(of(&[("display", "vga")]).unwrap(), Display::Vga);
        assert_eq!(of(&[("channel", "screen")]).unwrap(), Display::Vga);
        assert_eq!(of(&[("channel", "screen"), ("display", "vnc")]).unwrap(), Display::Vnc);
        let none = of(&[("channel", "screen"), ("display", "none")]).unwrap_err().to_string();
        assert!(none.contains("vga or vnc, because channel is screen"), "{none}");
        assert!(of(&[("display", "sdl")]).unwrap_err().to_string().contains("one of none, vga, vnc"));
    }

    #[test]
    fn a_campaign_has_no_window_and_no_guest_that_is_only_seen() {
        let refused = |set: &[(&str, &str)]| refuse_watching(&params(set));
        assert_eq!(refused(&[]), Ok(()));
        assert_eq!(refused(&[("display", "vga")]), Ok(()));
        assert!(refused(&[("display", "vnc")]).unwrap_err().to_string().contains("perfvt drive has vnc"));
        let seen = refused(&[("channel", "screen")]).unwrap_err().to_string();
        assert!(seen.contains("'channel' is 'screen'") && seen.contains("perfvt drive"), "{seen}");
    }
}
