//! Finds the least value of a smooth function of a few unbounded variables: Broyden, Fletcher, Goldfarb and Shanno's
//! quasi-Newton method (J. Nocedal, S. Wright, Numerical Optimization, 2nd edition, algorithm 6.1) with a line search
//! for the weak Wolfe conditions by bisection (A. Lewis, M. Overton, Mathematical Programming 141 (2013) 135-163,
//! algorithm 2.6).
//!
//! Of the crates, `argmin` 0.11 was looked at: it brings a clock (`web-time`), a random generator and `paste` whatever its
//! features, which a pure crate must not reach. Four variables need one page.

use crate::special::exp;

/// Weak Wolfe conditions: how much of the promised decrease, and how much flatter.
const DECREASE: f64 = 1e-4;
const FLATTENING: f64 = 0.9;

/// The longest step, in each variable: with logarithms, a factor of e squared.
const MAX_STEP: f64 = 2.0;

const MAX_ITERATIONS: u32 = 150;
const MAX_TRIALS: u32 = 30;

/// What the largest derivative must fall below, for a function of the order of 1.
const FLAT: f64 = 1e-8;

/// The same where the function's rounding hides any further decrease.
const NEARLY_FLAT: f64 = 1e-6;

/// The decrease that rounding hides, as a share.
const NO_GAIN: f64 = 1e-15;

/// A point where the function is flat.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Minimum<const N: usize> {
    /// Where.
    pub at: [f64; N],
    /// The function's value there.
    pub value: f64,
}

/// The search ended where the function is not flat.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Stuck<const N: usize> {
    /// Where it ended.
    pub at: [f64; N],
}

type Vector<const N: usize> = [f64; N];

/// A point with the function's value and derivatives.
#[derive(Clone, Copy)]
struct Point<const N: usize> {
    at: Vector<N>,
    value: f64,
    slope: Vector<N>,
}

/// Searches from `start`. `function` gives value and derivatives, of the order of 1, or `None` where it is not defined,
/// which it must be at `start`.
pub(crate) fn minimise<const N: usize>(
    start: [f64; N],
    function: impl Fn(&[f64; N]) -> Option<(f64, [f64; N])>,
) -> Result<Minimum<N>, Stuck<N>> {
    let evaluate = |at: Vector<N>| {
        let (value, slope) = function(&at)?;
        let finite = value.is_finite() && slope.iter().all(|part| part.is_finite());
        finite.then_some(Point { at, value, slope })
    };
    let Some(mut point) = evaluate(start) else { return Err(Stuck { at: start }) };
    let mut inverse = identity::<N>();
    let mut is_fresh = true;
    for _ in 0..MAX_ITERATIONS {
        if steepness(&point) <= FLAT {
            return Ok(Minimum { at: point.at, value: point.value });
        }
        let direction = bounded(times(&inverse, &point.slope).map(|part| -part));
        let next = match dot(&direction, &point.slope) < 0.0 {
            true => search_line(&point, &direction, &evaluate),
            false => None,
        };
        match next {
            Some(next) => {
                update(&mut inverse, &point, &next, is_fresh);
                is_fresh = false;
                let gain = point.value - next.value;
                point = next;
                if gain <= NO_GAIN * (1.0 + point.value.abs()) {
                    break;
                }
            }
            // The decrease that is left is below the rounding of the function.
            None if steepness(&point) <= NEARLY_FLAT => break,
            // What was learnt of the curvature may mislead: once more along the slope itself.
            None if !is_fresh => {
                inverse = identity();
                is_fresh = true;
            }
            None => break,
        }
    }
    if steepness(&point) <= NEARLY_FLAT {
        return Ok(Minimum { at: point.at, value: point.value });
    }
    Err(Stuck { at: point.at })
}

/// A point along `direction` that is lower by enough and flatter by enough.
fn search_line<const N: usize>(
    from: &Point<N>,
    direction: &Vector<N>,
    evaluate: &impl Fn(Vector<N>) -> Option<Point<N>>,
) -> Option<Point<N>> {
    let descent = dot(direction, &from.slope);
    let (mut near, mut far, mut step) = (0.0, f64::INFINITY, 1.0);
    let mut lowest: Option<Point<N>> = None;
    for _ in 0..MAX_TRIALS {
        let at = std::array::from_fn(|n| from.at[n] + step * direction[n]);
        match evaluate(at).filter(|point| point.value <= from.value + DECREASE * step * descent) {
            None => far = step,
            Some(point) if dot(direction, &point.slope) < FLATTENING * descent => {
                near = step;
                lowest = Some(point);
            }
            Some(point) => return Some(point),
        }
        step = if far.is_finite() { 0.5 * (near + far) } else { 2.0 * step };
        if step == near || step == far {
            break;
        }
    }
    lowest
}

/// Learns the curvature between two points.
fn update<const N: usize>(inverse: &mut [Vector<N>; N], from: &Point<N>, to: &Point<N>, is_fresh: bool) {
    let step: Vector<N> = std::array::from_fn(|n| to.at[n] - from.at[n]);
    let bend: Vector<N> = std::array::from_fn(|n| to.slope[n] - from.slope[n]);
    let curvature = dot(&step, &bend);
    if curvature <= 0.0 {
        return;
    }
    if is_fresh {
        let scale = curvature / dot(&bend, &bend);
        *inverse = identity::<N>().map(|row| row.map(|cell| cell * scale));
    }
    let along = times(inverse, &bend);
    let stretch = (1.0 + dot(&bend, &along) / curvature) / curvature;
    for (row, cells) in inverse.iter_mut().enumerate() {
        for (column, cell) in cells.iter_mut().enumerate() {
            let mixed = along[row] * step[column] + step[row] * along[column];
            *cell += stretch * step[row] * step[column] - mixed / curvature;
        }
    }
}

fn identity<const N: usize>() -> [Vector<N>; N] {
    std::array::from_fn(|row| std::array::from_fn(|column| if row == column { 1.0 } else { 0.0 }))
}

fn times<const N: usize>(matrix: &[Vector<N>; N], vector: &Vector<N>) -> Vector<N> {
    matrix.map(|row| dot(&row, vector))
}

fn dot<const N: usize>(left: &Vector<N>, right: &Vector<N>) -> f64 {
    left.iter().zip(right).map(|(left, right)| left * right).sum()
}

fn largest<const N: usize>(vector: &Vector<N>) -> f64 {
    vector.iter().fold(0.0, |most: f64, part| most.max(part.abs()))
}

fn bounded<const N: usize>(direction: Vector<N>) -> Vector<N> {
    let most = largest(&direction);
    if most > MAX_STEP { direction.map(|part| part * (MAX_STEP / most)) } else { direction }
}

fn steepness<const N: usize>(point: &Point<N>) -> f64 {
    largest(&point.slope)
}

/// A point in logarithms as the numbers themselves.
pub(crate) fn from_logs<const N: usize>(logs: &[f64; N]) -> [f64; N] {
    logs.map(exp)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// H. Rosenbrock's valley, whose minimum is at (1, 1).
    fn valley([x, y]: &[f64; 2]) -> Option<(f64, [f64; 2])> {
        let (across, along) = (y - x * x, 1.0 - x);
        Some((100.0 * across * across + along * along, [-400.0 * x * across - 2.0 * along, 200.0 * across]))
    }

    #[test]
    fn a_bent_valley_is_followed_to_its_end() {
        for start in [[-1.2, 1.0], [3.0, -4.0], [0.0, 0.0]] {
            let minimum = minimise(start, valley).unwrap();
            assert!(minimum.at.iter().all(|part| (part - 1.0).abs() < 1e-8), "{minimum:?} from {start:?}");
        }
    }

    #[test]
    fn a_border_that_the_function_falls_towards_is_told_from_a_minimum() {
        let falling = |at: &[f64; 1]| (at[0] < 3.0).then_some((-at[0], [-1.0]));
        let stuck = minimise([0.0], falling).unwrap_err();
        assert!((2.9..3.0).contains(&stuck.at[0]), "{stuck:?}");
        assert!(minimise([4.0], falling).is_err());
    }

    #[test]
    fn what_is_not_a_number_is_no_minimum() {
        assert!(minimise([1.0], |_| Some((f64::NAN, [0.0]))).is_err());
        assert!(minimise([1.0], |at| Some((at[0], [f64::NAN]))).is_err());
    }
}
