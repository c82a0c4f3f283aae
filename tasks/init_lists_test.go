package tasks

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestInitLists runs init with lists of packages that init has to understand as the program that
// owns them does, or to say why an image cannot have them.
func TestInitLists(t *testing.T) {
	const program = "-- train.py --\nprint(1)\n"
	long := ">=3.12" + strings.Repeat(",!=3.9.1", 1000)
	for name, c := range map[string]initShape{
		"a poetry.lock of a project without a name": {"-- pyproject.toml --\n[tool.poetry.dependencies]\npython = \"^3.11\"\n-- poetry.lock --\npackage = []\n[metadata]\npython-versions = \"^3.11\"\n" + program, InitOptions{},
			[]string{"pyproject.toml: it has no name and no version of the project, without which poetry does not read poetry.lock (add package-mode = false to its table [tool.poetry], or to [project]: name = \"NAME\" and version = \"0.1.0\")",
				"mend what the warning about the lock says"}},
		"a poetry.lock of a project that is no package": {"-- pyproject.toml --\n[tool.poetry]\npackage-mode = false\n[tool.poetry.dependencies]\npython = \"^3.11\"\n-- poetry.lock --\npackage = []\n[metadata]\npython-versions = \"^3.11\"\n" + program, InitOptions{},
			[]string{"!it has no", "!mend what"}},
		"a poetry.lock alone": {"-- poetry.lock --\npackage = []\n" + program, InitOptions{}, []string{"pyproject.toml, which it belongs to, cannot be read", "mend what the warning"}},
		"a uv.lock of a project without a version": {"-- pyproject.toml --\n[project]\nname = \"shop\"\n-- uv.lock --\nversion = 1\n" + program, InitOptions{},
			[]string{"it has no version of the project, without which uv does not read uv.lock (add to its table [project]: version = \"0.1.0\")"}},
		"quoted keys": {"-- pyproject.toml --\n[ \"project\" ]\n'name' = \"sh\\u006fp\"\n\"requires-python\" = \"\\u003e=3.13\"\n\"dependencies\" = []\n" + program, InitOptions{},
			[]string{"project: shop", "python:3.13-slim", "pyproject.toml:3 Python 3.13", "pyproject.toml -o requirements.lock.txt"}},
		"dotted keys": {"-- pyproject.toml --\nproject.name = \"shop\"\nproject.requires-python = \">=3.13\"\nproject.dependencies = [\n  \"six\",\n]\n" + program, InitOptions{},
			[]string{"project: shop", "python:3.13-slim", "pyproject.toml:3 packages without hashes"}},
		"an inline table of Poetry": {"-- pyproject.toml --\n[tool]\npoetry = {name = \"shop\", dependencies = {python = \"^3.13\", six = \"*\"}}\n" + program, InitOptions{},
			[]string{"project: shop", "python:3.13-slim", "make the lock with: poetry lock"}},
		"a constraint that is no text": {"-- pyproject.toml --\n[project]\nname = \"shop\"\nrequires-python = 3.12\ndependencies = []\n" + program, InitOptions{},
			[]string{"pyproject.toml:3: requires-python is not a text such as"}},
		"a long constraint": {"-- pyproject.toml --\n[project]\nname = \"shop\"\nrequires-python = \"" + long + "\"\ndependencies = []\n" + program, InitOptions{Base: "apt:bookworm"},
			[]string{"the project requires Python " + long[:200] + "..., and the base", "!" + long[:210]}},
		"a list in Latin-1 beside another": {"-- requirements.txt --\nsix\n-- pyproject.toml --\n[project]\nname = \"caf\xe9\"\n" + program, InitOptions{}, []string{"pyproject.toml: it is not text in UTF-8 (save it as UTF-8"}},
		"a program in Latin-1":             {"-- requirements.txt --\nsix\n-- caf.py --\n# coding: latin-1\nprint(\"caf\xe9\")\n", InitOptions{}, []string{"COMMAND: [python, caf.py]"}},
		"Flit before the table project": {"-- pyproject.toml --\n[tool.flit.metadata]\nmodule = \"shop\"\nrequires-python = \">=3.10\"\nrequires = [\"six>=1\"]\n" + program, InitOptions{},
			[]string{"project: shop", "six>=1  # pyproject.toml:4", "requirements.in -o"}},
		"packages of addresses": {"-- requirements.txt --\nsix\nlib @ git+https://me:s3cret@git.example.com/lib.git@v1\n-e git+ssh://git@git.example.com/x.git#egg=x\nhttps://me:s3cret@example.com/y-1.0-py3-none-any.whl\n" + program, InitOptions{},
			[]string{"!s3cret", "left out, because an image takes packages from an index: lib @ git+https://***@git.example.com/lib.git@v1 (line 2)", "publish it as a wheel", "six  # requirements.txt:1", "requirements.in -o"}},
		"packages of addresses in a pyproject.toml": {"-- pyproject.toml --\n[project]\nname = \"shop\"\ndependencies = [\"six\", \"lib @ git+https://me:s3cret@git.example.com/lib.git\"]\n" + program, InitOptions{},
			[]string{"!s3cret", "lib @ git+https://***@git.example.com/lib.git (line 3);", "six  # pyproject.toml:3"}},
		"packages of addresses in a setup.py": {"-- setup.py --\nsetup(name='shop', install_requires=['six', 'lib @ git+https://me:s3cret@git.example.com/lib.git'])\n" + program, InitOptions{},
			[]string{"!s3cret", "lib @ git+https://***@git.example.com/lib.git (line 1);"}},
		"a base with another Python than the project": {"-- pyproject.toml --\n[project]\nname = \"shop\"\nrequires-python = \">=3.12\"\ndependencies = [\"six\"]\n" + program, InitOptions{Base: "apt:bookworm", Lock: "none"},
			[]string{"change base in slipway.yaml to an image with Python 3.12, such as python:3.12-slim\nuv pip compile --universal --python-version 3.12"}},
		"markers for another Python": {"-- requirements.txt --\nsix==1.17.0 ; python_version >= \"3.12\" --hash=sha256:" + strings.Repeat("0", 64) + "\n" + program, InitOptions{Base: "apt:bookworm"},
			[]string{"requirements.txt:1:1: the markers exclude every package for Python 3.11 on linux/amd64", "mend what the warning"}},
	} {
		t.Run(name, c.check)
	}
}

// TestInitMasks lists the files of a dry run, one of which has the credentials of an index.
func TestInitMasks(t *testing.T) {
	env := shape(t, initShape{files: "-- requirements.txt --\n--index-url https://me:s3cret@pypi.example.com/simple\nsix\n-e .\n-- train.py --\nprint(1)\n"}.archive(t))
	result, err := Init(t.Context(), env, InitOptions{DryRun: true})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(result)
	if err != nil || strings.Contains(string(text), "s3cret") || !strings.Contains(string(text), "https://***@pypi.example.com/simple") {
		t.Errorf("%v: %s", err, text)
	}
}
