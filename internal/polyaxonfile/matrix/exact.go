package matrix

import (
	"math"
	"math/big"
)

// Powers and logarithms that are rounded once, from far more digits than a float
// has: math's differ in their last digits between processors, and a run whose
// params differ in a digit is another run.

// precision is that of all steps, in bits.
const precision = 320

func float(x float64) *big.Float { return new(big.Float).SetPrec(precision).SetFloat64(x) }

// power gives base to the power of at; base is above 0. Beyond what a float holds it
// is 0 or infinite.
func power(base, at float64) float64 {
	if math.IsNaN(at) || math.IsInf(at, 0) {
		return math.Pow(base, at)
	}
	return rounded(new(big.Float).Mul(naturalLog(base), float(at)))
}

// powerOfE is power with the number e itself for a base.
func powerOfE(at float64) float64 {
	if math.IsNaN(at) || math.IsInf(at, 0) {
		return math.Exp(at)
	}
	return rounded(float(at))
}

// rounded gives e to the power of at.
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

// logarithm gives the natural logarithm of x, which is above 0.
func logarithm(x float64) float64 {
	value, _ := naturalLog(x).Float64()
	return value
}

// log10 gives the logarithm of x, which is above 0, to base 10.
func log10(x float64) float64 {
	value, _ := new(big.Float).Quo(naturalLog(x), naturalLog(10)).Float64()
	return value
}

// exponential sums up the series of e^x for a small part of x, and squares what
// comes of it.
func exponential(x *big.Float) *big.Float {
	const halvings = 16 // of a number below 2^10: below 2^-6
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

// naturalLog goes to the logarithm by Newton's method: each step doubles how many
// digits are right.
func naturalLog(x float64) *big.Float {
	log := float(math.Log(x))
	for range 5 {
		next := exponential(new(big.Float).Neg(log))
		next.Mul(next, float(x)).Sub(next, float(1))
		log.Add(log, next)
	}
	return log
}
