package transfer

import (
	"errors"
	"testing"
)

// TestCheckFiles checks which names can be files of one directory, also where the file system does not
// tell upper from lower case.
func TestCheckFiles(t *testing.T) {
	for _, test := range []struct {
		names       []string
		folds, good bool
	}{
		{[]string{"a", "A"}, false, true},
		{[]string{"a", "A"}, true, false},
		{[]string{"é", "e\u0301"}, true, false},
		{[]string{"é", "e\u0301"}, false, true},
		{[]string{"a", "A/b"}, true, false},
		{[]string{"a", "a/b"}, false, false},
		{[]string{"a/b", "a/c", "ab"}, true, true},
		{[]string{"x\x00y"}, false, false},
	} {
		if err := checkFiles(test.names, test.folds); (err == nil) != test.good || err != nil && !errors.As(err, new(*NameError)) {
			t.Errorf("%q, folds %t: %v", test.names, test.folds, err)
		}
	}
}
