package matrix

import (
	"math"
	"math/big"
)

// Powers and logarithms are computed with many more digits than a float64 has, and
// rounded once. The last digits of package math's results differ between processors, and
// a run whose params differ in a digit is another run.

// precision is the precision of all steps, in bits.
const precision = 320

func float(x float64) *big.Float { return new(big.Float).SetPrec(precision).SetFloat64(x) }

// power returns base to the power of at. base must be above 0. The result is 0 or
// infinite if it is out of range.
func power(base, at float64) float64 {
	if math.IsNaN(at) || math.IsInf(at, 0) {
		return math.Pow(base, at)
	}
	return rounded(new(big.Float).Mul(naturalLog(base), float(at)))
}

// powerOfE returns e to the power of at.
func powerOfE(at float64) float64 {
	if math.IsNaN(at) || math.IsInf(at, 0) {
		return math.Exp(at)
	}
	return rounded(float(at))
}

// rounded returns e to the power of at, rounded once.
func rounded(at *big.Float) float64 {
	switch scale, _ := at.Float64(); {
	case scale > 800:
		return math.Inf(1)
	case scale < -800:
		return 0
	}
	value, _ := exponential(at).Float64()
	return value
}

// logarithm returns the natural logarithm of x. x must be above 0.
func logarithm(x float64) float64 {
	value, _ := naturalLog(x).Float64()
	return value
}

// log10 returns the decimal logarithm of x. x must be above 0.
func log10(x float64) float64 {
	value, _ := new(big.Float).Quo(naturalLog(x), naturalLog(10)).Float64()
	return value
}

// exponential returns e^x. It sums the series for x/2^16 and squares the result 16 times.
func exponential(x *big.Float) *big.Float {
	const halvings = 16 // reduces a number below 2^10 to one below 2^-6
	part := new(big.Float).SetMantExp(x, -halvings)
	sum, term := float(1), float(1)
	for n := 1; n < 40; n++ { // (2^-6)^40/40! is below 2^-320
		term.Mul(term, part).Quo(term, float(float64(n)))
		sum.Add(sum, term)
	}
	for range halvings {
		sum.Mul(sum, sum)
	}
	return sum
}

// naturalLog returns the natural logarithm of x by Newton's method. Each step doubles the
// number of correct digits.
func naturalLog(x float64) *big.Float {
	log := float(math.Log(x))
	for range 5 {
		next := exponential(new(big.Float).Neg(log))
		next.Mul(next, float(x)).Sub(next, float(1))
		log.Add(log, next)
	}
	return log
}
