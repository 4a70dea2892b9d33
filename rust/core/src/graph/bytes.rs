//! Checks of byte counts, and of parameters that several nodes read.

use crate::error::Error;

/// Byte counts stay within this, so that a float holds them exactly.
const MAX_BYTES: i64 = 1 << 53;

pub(super) fn check_length(array: &'static str, length: usize, owners: &str, expected: usize) -> Result<(), Error> {
    if length == expected {
        return Ok(());
    }
    Err(Error::Length { array, length, rule: format!("there are {expected} {owners}") })
}

pub(super) fn checked_bytes(
    owner: &'static str,
    quantity: &'static str,
    expected: usize,
    values: &[i64],
) -> Result<Vec<u64>, Error> {
    check_length(quantity, values.len(), &format!("{owner}s"), expected)?;
    let check = |(index, &value): (usize, &i64)| {
        match u64::try_from(value) {
            Ok(bytes) if value <= MAX_BYTES => Ok(bytes),
            Ok(_) => Err("above 2^53"),
            Err(_) => Err("negative"),
        }
        .map_err(|rule| Error::Quantity { owner, index, quantity, value: value.to_string(), rule })
    };
    values.iter().enumerate().map(check).collect()
}

/// Bytes of the parameters that several nodes read; every reader is a node, and stands once.
pub(super) fn checked_params(
    sizes: &[i64],
    readers: &[i64],
    offsets: &[i64],
    num_nodes: usize,
) -> Result<Vec<u64>, Error> {
    let num_params = sizes.len();
    let wrong = |index, quantity, value: i64, rule| Error::Quantity {
        owner: "parameter",
        index,
        quantity,
        value: value.to_string(),
        rule,
    };
    let expected = num_params + 1;
    if offsets.len() != expected {
        let rule = format!("there are {num_params} parameters, which takes {expected} offsets");
        return Err(Error::Length { array: "param_offsets", length: offsets.len(), rule });
    }
    let num_readers = i64::try_from(readers.len()).unwrap_or(i64::MAX);
    let mut end = 0;
    for (index, &offset) in offsets.iter().enumerate() {
        if offset < end || offset > num_readers || (index == 0 && offset != 0) {
            return Err(wrong(index, "offset", offset, "no end of its readers"));
        }
        end = offset;
    }
    if end != num_readers {
        let rule = format!("param_offsets end at {end}");
        return Err(Error::Length { array: "param_readers", length: readers.len(), rule });
    }
    let mut last_read = vec![usize::MAX; num_nodes];
    for (index, ends) in offsets.windows(2).enumerate() {
        let [first, last] = [ends[0], ends[1]].map(|end| usize::try_from(end).unwrap_or(0));
        for &reader in &readers[first..last] {
            let node = usize::try_from(reader).ok().filter(|&node| node < num_nodes);
            let node = node.ok_or_else(|| wrong(index, "reader", reader, "not a node"))?;
            if std::mem::replace(&mut last_read[node], index) == index {
                return Err(wrong(index, "reader", reader, "listed twice"));
            }
        }
    }
    checked_bytes("parameter", "size", num_params, sizes)
}
