package matrix

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
	"math/rand/v2"
)

// dice draws random numbers. The same seed yields the same numbers on every machine: no
// step depends on the processor or on the release of Go.
type dice struct{ source *rand.PCG }

// newDice returns dice seeded with a text.
func newDice(seed string) *dice {
	sum := sha256.Sum256([]byte(seed))
	return &dice{rand.NewPCG(binary.BigEndian.Uint64(sum[:]), binary.BigEndian.Uint64(sum[8:]))}
}

// unit returns a number in [0, 1).
func (d *dice) unit() float64 { return float64(d.source.Uint64()>>11) / (1 << 53) }

// below returns an integer in [0, n).
func (d *dice) below(n int) int { return min(int(d.unit()*float64(n)), n-1) }

// normal draws from the standard normal distribution, by Marsaglia's polar method.
func (d *dice) normal() float64 {
	for {
		x, y := float64(2*d.unit())-1, float64(2*d.unit())-1
		if s := float64(x*x) + float64(y*y); s > 0 && s < 1 {
			return x * math.Sqrt(-2*logarithm(s)/s)
		}
	}
}
