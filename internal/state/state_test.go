package state

import (
	"os"
	"testing"
)

func TestMake(t *testing.T) {
	root := t.TempDir()
	for range 2 {
		if err := Make(root); err != nil {
			t.Fatal(err)
		}
	}
	if text, err := os.ReadFile(Dir(root, ".gitignore")); err != nil || string(text) != "*\n" {
		t.Errorf("%q, %v", text, err)
	}
	mine := "!keep\n"
	if err := os.WriteFile(Dir(root, ".gitignore"), []byte(mine), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := Make(root); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(Dir(root, ".gitignore")); err != nil || string(text) != mine {
		t.Errorf("what the user wrote there is %q, %v", text, err)
	}
}
