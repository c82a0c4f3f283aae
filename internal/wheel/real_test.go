package wheel

import (
	"context"
	"fmt"
	"os"
	"testing"
	"path/filepath"
	"time"
)

func TestSmoke(t *testing.T) {
	cache, _ := filepath.Abs("../../.cache/wheels")
	start := time.Now()
	env, err := Resolve(context.Background(), Spec{Name: "x", Dir: os.Getenv("D"), Lock: os.Getenv("L"), Python: "3.11", CacheDir: cache, Environ: os.Environ()})
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println(time.Since(start))
	for _, p := range env.Packages {
		fmt.Printf("%+v\n", p)
	}
	for _, p := range env.Layers {
		fmt.Println(p.Name, p.Fingerprint, len(p.Files))
	}
	fmt.Println(env.Overlaps)
}
