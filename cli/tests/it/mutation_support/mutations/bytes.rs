//! Mutations of bytes, whatever they mean.

use crate::mutation_support::dice::Dice;

pub fn flip(dice: &mut Dice, old: &[u8]) -> Vec<u8> {
    let mut new = old.to_vec();
    for _ in 0..1 + dice.below(4) {
        let at = dice.below(new.len());
        if let Some(byte) = new.get_mut(at) {
            *byte ^= 1 << dice.below(8);
        }
    }
    new
}

pub fn overwrite(dice: &mut Dice, old: &[u8]) -> Vec<u8> {
    let mut new = old.to_vec();
    let at = dice.below(new.len());
    for byte in new.iter_mut().skip(at).take(1 + dice.below(8)) {
        *byte = dice.below(256) as u8;
    }
    new
}

pub fn insert(dice: &mut Dice, old: &[u8]) -> Vec<u8> {
    let some: Vec<u8> = (0..1 + dice.below(16)).map(|_| dice.below(256) as u8).collect();
    put(dice, old, &some)
}

pub fn remove(dice: &mut Dice, old: &[u8]) -> Vec<u8> {
    let from = dice.below(old.len());
    let to = (from + 1 + dice.below(64)).min(old.len());
    [&old[..from], &old[to..]].concat()
}

pub fn cut(dice: &mut Dice, old: &[u8]) -> Vec<u8> {
    old[..dice.below(old.len())].to_vec()
}

/// Where most of a file is still there.
pub fn cut_near_end(dice: &mut Dice, old: &[u8]) -> Vec<u8> {
    old[..old.len() - 1.max(dice.below(old.len().min(200))).min(old.len())].to_vec()
}

pub fn behead(dice: &mut Dice, old: &[u8]) -> Vec<u8> {
    old[dice.below(old.len().min(200))..].to_vec()
}

pub fn invalid_utf8(dice: &mut Dice, old: &[u8]) -> Vec<u8> {
    // A lone 9B is what CSI is in Latin-1; the others are cut, overlong, a surrogate, and beyond the last character.
    const WRONG: &[&[u8]] =
        &[b"\x9b31m", b"\xc3", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xff\xfe"];
    let wrong = *dice.pick(WRONG);
    put(dice, old, wrong)
}

pub fn nul(dice: &mut Dice, old: &[u8]) -> Vec<u8> {
    let nuls = vec![0; 1 + dice.below(600)];
    put(dice, old, &nuls)
}

/// Puts bytes in somewhere.
pub fn put(dice: &mut Dice, old: &[u8], some: &[u8]) -> Vec<u8> {
    let at = dice.below(old.len() + 1);
    [&old[..at], some, &old[at..]].concat()
}
