//! `exact_sum`: a sum that never wraps and does not depend on the order of its rows.
//!
//! Each group keeps the low 128 bits of its sum and, once one has ever left them, how often it did
//! so, up and down. The result is exact as long as it fits 38 digits; one that does not becomes
//! [`OVERFLOWED`], which `checked_sum` turns into an error where a user of the population has it.

use std::mem::size_of;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Decimal128Array, Int32Array};
use arrow::datatypes::{DataType, Decimal128Type, Field, FieldRef, Int32Type, Int64Type};
use datafusion::common::{Result, ScalarValue, exec_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, EmitTo, GroupsAccumulator, Signature, Volatility,
};

use crate::document::MAX_38;

/// Stands for a sum of more than 38 digits; no value of 38 digits is it.
pub(super) const OVERFLOWED: i128 = i128::MAX;

/// Marks a group for good: more carries than any number of rows can undo.
const LOST: i32 = i32::MAX / 2;

/// `exact_sum(Int64 | Decimal128(_, s)) -> Decimal128(38, s)`; nulls add nothing.
pub(super) fn exact_sum() -> Arc<AggregateUDF> {
    Arc::new(AggregateUDF::from(ExactSum { signature: Signature::any(1, Volatility::Immutable) }))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct ExactSum {
    signature: Signature,
}

fn scale_of(data_type: &DataType) -> Result<i8> {
    match data_type {
        DataType::Int64 => Ok(0),
        DataType::Decimal128(_, scale) => Ok(*scale),
        other => exec_err!("exact_sum does not take {other}"),
    }
}

impl AggregateUDFImpl for ExactSum {
    fn name(&self) -> &str {
        "exact_sum"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        match arg_types {
            [one] => Ok(DataType::Decimal128(38, scale_of(one)?)),
            _ => exec_err!("exact_sum takes one argument"),
        }
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        Ok(vec![
            Arc::new(Field::new("sum", args.return_type().clone(), true)),
            Arc::new(Field::new("carries", DataType::Int32, true)),
        ])
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(One(Sums::new(scale_of(args.return_field.data_type())?))))
    }

    fn groups_accumulator_supported(&self, _: AccumulatorArgs) -> bool {
        true
    }

    fn create_groups_accumulator(
        &self,
        args: AccumulatorArgs,
    ) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(Sums::new(scale_of(args.return_field.data_type())?)))
    }
}

/// The sums of many groups.
#[derive(Debug)]
struct Sums {
    scale: i8,
    low: Vec<i128>,
    /// Empty until the first carry.
    carries: Vec<i32>,
}

impl Sums {
    fn new(scale: i8) -> Self {
        Sums { scale, low: Vec::new(), carries: Vec::new() }
    }

    fn add(&mut self, group: usize, value: i128) {
        let Some(low) = self.low.get_mut(group) else { return };
        let (sum, carried) = low.overflowing_add(value);
        *low = sum;
        if carried {
            self.carry(group, if value < 0 { -1 } else { 1 });
        }
    }

    fn carry(&mut self, group: usize, by: i32) {
        if self.carries.len() < self.low.len() {
            self.carries.resize(self.low.len(), 0);
        }
        if let Some(carries) = self.carries.get_mut(group) {
            *carries =
                if *carries == LOST || by == LOST { LOST } else { carries.saturating_add(by) };
        }
    }

    fn take(&mut self, emit_to: EmitTo) -> (Vec<i128>, Vec<i32>) {
        if !self.carries.is_empty() {
            self.carries.resize(self.low.len(), 0);
        }
        let low = emit_to.take_needed(&mut self.low);
        let carries = match self.carries.is_empty() {
            true => vec![0; low.len()],
            false => emit_to.take_needed(&mut self.carries),
        };
        (low, carries)
    }

    fn decimals(&self, values: Vec<i128>) -> Result<ArrayRef> {
        let array = Decimal128Array::from(values).with_precision_and_scale(38, self.scale)?;
        Ok(Arc::new(array))
    }
}

impl GroupsAccumulator for Sums {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.low.resize(total, 0);
        let Some(values) = values.first() else { return exec_err!("exact_sum has no argument") };
        let kept = |row: usize| {
            !values.is_null(row) && filter.is_none_or(|f| f.is_valid(row) && f.value(row))
        };
        match values.data_type() {
            DataType::Int64 => {
                let ints = values.as_primitive::<Int64Type>().values();
                for (row, (group, value)) in groups.iter().zip(ints).enumerate() {
                    if kept(row) {
                        self.add(*group, i128::from(*value));
                    }
                }
            }
            _ => {
                let decimals = values.as_primitive::<Decimal128Type>();
                if decimals.null_count() == 0 && filter.is_none() {
                    for (group, value) in groups.iter().zip(decimals.values()) {
                        self.add_decimal(*group, *value);
                    }
                    return Ok(());
                }
                for (row, (group, value)) in groups.iter().zip(decimals.values()).enumerate() {
                    if kept(row) {
                        self.add_decimal(*group, *value);
                    }
                }
            }
        }
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let (mut low, carries) = self.take(emit_to);
        for (sum, carries) in low.iter_mut().zip(carries) {
            if carries != 0 || *sum > MAX_38 || *sum < -MAX_38 {
                *sum = OVERFLOWED;
            }
        }
        self.decimals(low)
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let (low, carries) = self.take(emit_to);
        Ok(vec![self.decimals(low)?, Arc::new(Int32Array::from(carries))])
    }

    fn merge_batch(&mut self, values: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        self.low.resize(total, 0);
        let [sums, carries] = values else { return exec_err!("exact_sum has two states") };
        let sums = sums.as_primitive::<Decimal128Type>();
        let carries = carries.as_primitive::<Int32Type>();
        for ((group, sum), carry) in groups.iter().zip(sums.values()).zip(carries.values()) {
            self.add(*group, *sum);
            if *carry != 0 {
                self.carry(*group, *carry);
            }
        }
        Ok(())
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        let rows = values.first().map_or(0, |array| array.len());
        let mut each = Sums::new(self.scale);
        let groups: Vec<usize> = (0..rows).collect();
        each.update_batch(values, &groups, filter, rows)?;
        each.state(EmitTo::All)
    }

    fn size(&self) -> usize {
        self.low.capacity() * size_of::<i128>() + self.carries.capacity() * size_of::<i32>()
    }
}

impl Sums {
    fn add_decimal(&mut self, group: usize, value: i128) {
        if value == OVERFLOWED {
            self.carry(group, LOST);
        } else {
            self.add(group, value);
        }
    }
}

/// The sum of everything, as a single group.
#[derive(Debug)]
struct One(Sums);

impl One {
    fn groups(values: &[ArrayRef]) -> Vec<usize> {
        vec![0; values.first().map_or(0, |array| array.len())]
    }
}

impl Accumulator for One {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.0.update_batch(values, &Self::groups(values), None, 1)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        self.0.low.resize(1, 0);
        let array = GroupsAccumulator::evaluate(&mut self.0, EmitTo::All)?;
        ScalarValue::try_from_array(&array, 0)
    }

    fn size(&self) -> usize {
        GroupsAccumulator::size(&self.0)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        self.0.low.resize(1, 0);
        let arrays = GroupsAccumulator::state(&mut self.0, EmitTo::All)?;
        arrays.iter().map(|array| ScalarValue::try_from_array(array, 0)).collect()
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.0.merge_batch(states, &Self::groups(states), 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(values: &[i128]) -> i128 {
        let array: ArrayRef = Arc::new(
            Decimal128Array::from(values.to_vec()).with_precision_and_scale(38, 2).unwrap(),
        );
        // Half of the rows come by way of another accumulator's state.
        let half = array.len() / 2;
        let mut first = Sums::new(2);
        let part = array.slice(0, half);
        first.update_batch(&[part], &vec![0; half], None, 1).unwrap();
        let mut second = Sums::new(2);
        let rest = array.slice(half, array.len() - half);
        second.update_batch(&[rest], &vec![0; array.len() - half], None, 1).unwrap();
        let state = first.state(EmitTo::All).unwrap();
        second.merge_batch(&state, &[0], 1).unwrap();
        let result = GroupsAccumulator::evaluate(&mut second, EmitTo::All).unwrap();
        result.as_primitive::<Decimal128Type>().value(0)
    }

    #[test]
    fn neither_order_nor_detours_matter() {
        assert_eq!(sum(&[1, 2, 3, -7]), -1);
        assert_eq!(sum(&[MAX_38, MAX_38, MAX_38, -MAX_38, -MAX_38]), MAX_38);
        assert_eq!(sum(&[-MAX_38, -MAX_38, MAX_38, MAX_38, 5]), 5);
        assert_eq!(sum(&[MAX_38, 1]), OVERFLOWED);
        assert_eq!(sum(&[-MAX_38, -1]), OVERFLOWED);
        assert_eq!(sum(&[OVERFLOWED, -1, 1]), OVERFLOWED);
    }
}
