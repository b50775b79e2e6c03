//! Numbers as people give many of them: `3`, or `3-1002` for all from the one to the other.

use std::ops::RangeInclusive;

/// One number, or all from one to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Numbers {
    One(u64),
    From(RangeInclusive<u64>),
}

impl std::str::FromStr for Numbers {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const FORM: &str = "write a number, or two as in 3-1002 for all from the first to the second";
        let number = |text: &str| text.parse::<u64>().map_err(|_| FORM);
        match text.split_once('-') {
            None => number(text).map(Self::One),
            Some((first, last)) => match (number(first)?, number(last)?) {
                (first, last) if first <= last => Ok(Self::From(first..=last)),
                _ => Err("the second number must not be smaller than the first"),
            },
        }
    }
}

/// The shortest words for these numbers, which must rise: those that follow one another become one.
pub(crate) fn words(numbers: impl IntoIterator<Item = u64>) -> String {
    let mut runs: Vec<(u64, u64)> = Vec::new();
    for number in numbers {
        match runs.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(number) => *last = number,
            _ => runs.push((number, number)),
        }
    }
    let word = |(first, last): (u64, u64)| match last - first {
        0 => first.to_string(),
        1 => format!("{first} {last}"),
        _ => format!("{first}-{last}"),
    };
    runs.into_iter().map(word).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_can_be_read_again() {
        assert_eq!(words([1]), "1");
        assert_eq!(words([1, 2]), "1 2");
        assert_eq!(words([1, 2, 3, 5, 7, 8, 9, 10]), "1-3 5 7-10");
        assert_eq!(words([]), "");
        assert_eq!("12".parse(), Ok(Numbers::One(12)));
        assert_eq!("7-10".parse(), Ok(Numbers::From(7..=10)));
        for nonsense in ["", "-", "3-", "-3", "a", "5-3", "1-2-3", "+"] {
            assert!(nonsense.parse::<Numbers>().is_err(), "{nonsense}");
        }
    }
}
