//! Open data: numbers by block of agencies, of which none is so small that it tells of somebody. A small number is left out, and
//! so is what it could be computed from: totals are published elsewhere, and parts of a whole stand beside each other. Not here:
//! where the numbers come from (`exchange::freeze`).

use super::tally::block;
use std::collections::BTreeMap;

/// Numbers below this are left out.
pub const LEAST: i64 = 10;

/// A number, unless it is left out.
pub type Cell = Option<i64>;

/// The numbers of some agencies (code, what is counted, how much) by block, of packets, deliveries and those delivered, with what
/// must be left out left out.
pub fn blocks(sums: Vec<(String, String, i64)>, columns: [&str; 3]) -> Vec<(String, [Cell; 3])> {
    let mut all: BTreeMap<String, [i64; 3]> = BTreeMap::new();
    for (code, what, number) in sums {
        let numbers = all.entry(block(&code).unwrap_or_default().to_owned()).or_default();
        for (column, sum) in columns.iter().zip(numbers) {
            if *column == what {
                *sum = sum.saturating_add(number);
            }
        }
    }
    let mut cells: Vec<(String, [Cell; 3])> =
        all.iter().map(|(block, numbers)| (block.clone(), without_small(*numbers))).collect();
    for column in 0..3 {
        leave_out_another(&mut cells, (&all, column));
    }
    cells
}

/// What was not delivered is what is left of the deliveries: it must not be small either.
fn without_small(numbers: [i64; 3]) -> [Cell; 3] {
    let [packets, deliveries, delivered] = numbers;
    let large = |number: i64| (number >= LEAST).then_some(number);
    let rest = deliveries.saturating_sub(delivered);
    let hides_rest = (1..LEAST).contains(&rest);
    [large(packets), large(deliveries), large(delivered).filter(|_| !hides_rest)]
}

/// What is left out of a column could be computed from the total, or nearly, as long as all of it is small: the smallest other
/// number goes too.
fn leave_out_another(cells: &mut [(String, [Cell; 3])], (all, column): (&BTreeMap<String, [i64; 3]>, usize)) {
    let of_column = |numbers: &[i64; 3]| numbers.get(column).copied().unwrap_or_default();
    let hidden =
        cells.iter().zip(all.values()).filter(|((_, cells), _)| cells.get(column).is_some_and(Option::is_none));
    let hidden: Vec<i64> = hidden.map(|(_, numbers)| of_column(numbers)).collect();
    if hidden.is_empty() || (hidden.len() > 1 && hidden.iter().any(|number| *number >= LEAST)) {
        return;
    }
    let mut numbers: Vec<&mut Cell> = cells.iter_mut().filter_map(|(_, numbers)| numbers.get_mut(column)).collect();
    let smallest = numbers.iter_mut().filter(|cell| cell.is_some()).min_by_key(|cell| ***cell);
    if let Some(smallest) = smallest {
        **smallest = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [&str; 3] = ["packets", "deliveries", "delivered"];

    fn cells(numbers: &[(&str, [i64; 3])]) -> Vec<(String, [Cell; 3])> {
        let sums = numbers.iter().flat_map(|(code, numbers)| {
            COLUMNS.iter().zip(numbers).map(|(what, number)| ((*code).to_owned(), (*what).to_owned(), *number))
        });
        blocks(sums.collect(), COLUMNS)
    }

    #[test]
    fn numbers_of_agencies_of_a_block_are_added_up() {
        let cells = cells(&[("H49", [20, 30, 15]), ("000.00.15.H49", [1, 2, 0]), ("G22", [40, 50, 30])]);
        assert_eq!(cells[1], ("H49".to_owned(), [Some(21), Some(32), Some(15)]));
    }

    #[test]
    fn a_small_number_is_left_out_with_what_it_could_be_computed_from() {
        let cells = cells(&[("H49", [9, 30, 15]), ("H50", [40, 50, 30]), ("G22", [20, 90, 50])]);

        assert_eq!(cells.iter().map(|(_, numbers)| numbers[0]).collect::<Vec<_>>(), [None, None, Some(40)]);
        assert!(cells.iter().all(|(_, numbers)| numbers[1].is_some()));
    }

    #[test]
    fn several_small_numbers_are_left_out_with_one_that_is_not() {
        let packets = |numbers: &[i64]| {
            let all: Vec<(String, [i64; 3])> = numbers
                .iter()
                .enumerate()
                .map(|(at, number)| (format!("H{}", at.saturating_add(10)), [*number, 90, 60]))
                .collect();
            let all: Vec<(&str, [i64; 3])> = all.iter().map(|(code, numbers)| (code.as_str(), *numbers)).collect();
            cells(&all).into_iter().map(|(_, numbers)| numbers[0]).collect::<Vec<_>>()
        };
        assert_eq!(packets(&[9, 9, 100, 200]), [None, None, None, Some(200)]);
        assert_eq!(packets(&[0, 3, 100]), [None, None, None]);
    }

    #[test]
    fn what_is_left_of_a_whole_is_not_small_either() {
        let cells = cells(&[("H49", [20, 30, 29]), ("G22", [40, 50, 30]), ("H50", [41, 51, 31])]);

        assert_eq!(cells.iter().map(|(_, numbers)| numbers[2]).collect::<Vec<_>>(), [None, None, Some(31)]);
    }
}
