package matrix

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
	"math/rand/v2"
)

// generator draws random numbers. The same seed yields the same numbers on every machine: no
// step depends on the processor or on the release of Go.
type generator struct{ source *rand.PCG }

// newGenerator returns a generator seeded with a text.
func newGenerator(seed string) *generator {
	sum := sha256.Sum256([]byte(seed))
	return &generator{rand.NewPCG(binary.BigEndian.Uint64(sum[:]), binary.BigEndian.Uint64(sum[8:]))}
}

// uniform returns a number in [0, 1).
func (d *generator) uniform() float64 { return float64(d.source.Uint64()>>11) / (1 << 53) }

// intN returns an integer in [0, n).
func (d *generator) intN(n int) int { return min(int(d.uniform()*float64(n)), n-1) }

// normal draws from the standard normal distribution, by Marsaglia's polar method.
func (d *generator) normal() float64 {
	for {
		x, y := float64(2*d.uniform())-1, float64(2*d.uniform())-1
		if s := float64(x*x) + float64(y*y); s > 0 && s < 1 {
			return x * math.Sqrt(-2*logarithm(s)/s)
		}
	}
}
