package tasks

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"golang.org/x/tools/txtar"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/tasks/exit"
	"github.com/slipway-ci/slipway/tasks/report"
)

// initShape is a repository, and what the files and the messages of init must have there, or with a
// leading ! must not have.
type initShape struct {
	files string
	o     InitOptions
	want  []string
}

// archive writes the files into an archive, and returns its path.
func (c initShape) archive(t *testing.T) string {
	t.Helper()
	archive := filepath.Join(t.TempDir(), "files.txtar")
	if err := os.WriteFile(archive, []byte(c.files), 0o644); err != nil {
		t.Fatal(err)
	}
	return archive
}

func (c initShape) check(t *testing.T) {
	t.Parallel()
	env := shape(t, c.archive(t))
	before := tree(t, env.Dir)
	c.o.Yes = true
	result, err := Init(t.Context(), env, c.o)
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Builder{}
	for name, text := range tree(t, env.Dir) {
		if before[name] != text || name == config.FileName {
			all.WriteString("\n-- " + name + " --\n" + text)
		}
	}
	for _, e := range result.Events {
		all.WriteString("\n" + e.Message)
	}
	for _, next := range result.Init.Next {
		all.WriteString("\n" + next)
	}
	for _, f := range result.Init.Found {
		all.WriteString("\n" + f.Position.String() + " " + f.What)
	}
	for _, want := range c.want {
		if unwanted, not := strings.CutPrefix(want, "!"); not && strings.Contains(all.String(), unwanted) || !not && !strings.Contains(all.String(), want) {
			t.Errorf("%q: %s", want, &all)
		}
	}
}

// TestInitShapes runs init in repositories that users were seen to have.
func TestInitShapes(t *testing.T) {
	const script = "-- requirements.txt --\nsix==1.17.0\n-- train.py --\nprint(1)\n"
	for name, c := range map[string]initShape{
		"the lock is for the Python of --base": {script, InitOptions{Base: "registry.example.com/team/python:3.10-slim"},
			[]string{"--python-version 3.10 --no-build", `base: "registry.example.com/team/python:3.10-slim"`}},
		"a base whose name tells no version": {"-- .python-version --\n3.11\n" + script, InitOptions{Base: "pytorch/pytorch:2.1.0-cuda12.1"},
			[]string{"--python-version 3.11"}},
		"an export of conda": {"-- environment.yml --\nname: e\nchannels: [defaults]\ndependencies:\n  - _libgcc_mutex=0.1=main\n  - icu=73.1=h6a678d5_0\n  - python=3.10.13=h955ad1f_0\n" +
			"  - numpy=1.26.4=py310h5f9d8c6_0\n  - pandas 2.2.1 py310_0\n  - xz=5.4.6=h5eee18b_0\n  - pip:\n      - wandb==0.17.0\n      - -e .\n-- train.py --\nprint(1)\n", InitOptions{},
			[]string{"--python-version 3.10", "numpy==1.26.4 ", "pandas==2.2.1 ", "wandb==0.17.0", "!xz==", "!icu==", "icu=73.1=h6a678d5_0 (line 5), xz=5.4.6=h5eee18b_0 (line 9);", "-e . (line 12);", "!_libgcc"}},
		"a poetry.lock names the Python of its project last": {"-- poetry.lock --\n[[package]]\nname = \"six\"\npython-versions = \">=3.13\"\n\n[metadata]\nlock-version = \"2.1\"\npython-versions = \"^3.11,<3.12\"\ncontent-hash = \"x\"\n-- train.py --\nprint(1)\n", InitOptions{},
			[]string{"python:3.11-slim", "requirements: poetry.lock"}},
		"a lock for another Python than the base has": {"-- poetry.lock --\npackage = []\n[metadata]\npython-versions = \">=3.12\"\n-- train.py --\nprint(1)\n", InitOptions{Base: "apt:bookworm"},
			[]string{"poetry.lock:3:1: it requires Python >=3.12, and image", "has Python 3.11"}},
		"a project for another Python than the base has": {"-- pyproject.toml --\n[project]\nname = \"shop\"\nrequires-python = \">=3.12\"\ndependencies = [\"six\"]\n-- train.py --\nprint(1)\n", InitOptions{Base: "apt:bookworm"},
			[]string{"pyproject.toml:3: the project requires Python >=3.12, and the base apt:bookworm has Python 3.11: name another with --base"}},
		"a project for the Python of the base": {"-- pyproject.toml --\n[project]\nname = \"shop\"\nrequires-python = \">=3.10,<4\"\ndependencies = [\"six\"]\n-- train.py --\nprint(1)\n", InitOptions{Base: "apt:bookworm"},
			[]string{"!the project requires"}},
		"Poetry without a lock": {"-- pyproject.toml --\n[tool.poetry]\nname = \"shop\"\n[tool.poetry.dependencies]\npython = \"^3.10\"\nsix = \"*\"\n-- train.py --\nprint(1)\n", InitOptions{},
			[]string{"make the lock with: poetry lock", "poetry lock    # before the first build", "requirements: poetry.lock"}},
		"a setup.py on one line": {"-- setup.py --\nfrom setuptools import setup\nsetup(name='shop', python_requires='>=3.9,<3.10', install_requires=['six>=1', \"idna\"])\n-- train.py --\nprint(1)\n", InitOptions{},
			[]string{"project: shop", "python:3.9-slim", "six>=1  # setup.py:2", "idna  # setup.py:2", "uv pip compile", "requirements.in -o"}},
		"a setup.py that computes its packages": {"-- setup.py --\nimport os\nfrom setuptools import setup\nsetup(name='shop', install_requires=os.listdir('.'))\n-- train.py --\nprint(1)\n", InitOptions{},
			[]string{"setup.py:3 computes its packages", "which runs it", "!Made by: uv"}},
		"production comes before its parts": {"-- requirements/base.txt --\nsix\n-- requirements/prod.txt --\n-r base.txt\nidna\n-- requirements/dev.txt --\npytest\n-- train.py --\nprint(1)\n", InitOptions{},
			[]string{"requirements/prod.txt -o"}},
		"a lock in which one package has no hash": {"-- requirements.txt --\nsix==1.17.0 \\\n    --hash=sha256:00\nidna==3.1\n-- train.py --\nprint(1)\n", InitOptions{},
			[]string{"requirements: requirements.lock.txt"}},
		"a program without a main block": {"-- requirements.txt --\nsix\n-- helpers.py --\ndef f():\n    pass\n-- churn.py --\nimport helpers\nprint(helpers.f())\n", InitOptions{},
			[]string{"COMMAND: [python, churn.py]", "polyaxon/churn.yml"}},
		"--program in a package": {"-- requirements.txt --\nsix\n-- src/shop/__init__.py --\n-- src/shop/models/__init__.py --\n-- src/shop/models/forest.py --\ndef f():\n    pass\n", InitOptions{Program: "src/shop/models/forest.py"},
			[]string{`COMMAND: [python, "-m", shop.models.forest]`, "PYTHONPATH: /app/src", "files: [src/]"}},
		"--program below examples": {"-- requirements.txt --\nsix\n-- lib.py --\n-- examples/fit.py --\nprint(1)\n", InitOptions{Program: "examples/fit.py"},
			[]string{"files: [examples/, lib.py]", "COMMAND: [python, examples/fit.py]"}},
		"a package at the root": {"-- requirements.txt --\nsix\n-- __init__.py --\n-- train.py --\nprint(1)\n", InitOptions{}, []string{"COMMAND: [python, train.py]"}},
		"all notebooks":         {"-- requirements.txt --\njupyterlab\n-- a.ipynb --\n{}\n-- work/b.ipynb --\n{}\n", InitOptions{}, []string{"files: [a.ipynb, work/]"}},
		"GPUs and the image of Polyaxon 0.x": {"-- polyaxonfile.yml --\nversion: 1\nkind: experiment\nbuild:\n  image: tensorflow/tensorflow:1.4.1-gpu\nenvironment:\n  resources:\n    gpu: {requests: 1, limits: 1}\nrun:\n  cmd: python train.py\n" + script, InitOptions{},
			[]string{"# gpu: 1 ", "polyaxonfile.yml:7", "!train:", "its image tensorflow/tensorflow:1.4.1-gpu is not used"}},
		"the registry of manifests": {"-- k8s/api.yaml --\napiVersion: apps/v1\nkind: Deployment\nspec:\n  template:\n    spec:\n      containers:\n      - image: europe-west4-docker.pkg.dev/acme/ml/repository:v1\n" + script, InitOptions{Project: "repository"},
			[]string{"# registry: europe-west4-docker.pkg.dev/acme/ml ", "project: acme", "slipway://repository stands for it"}},
		"the Python of a release of Debian": {"-- .python-version --\n3.12\n" + script, InitOptions{Base: "apt:bookworm"}, []string{"--python-version 3.11", `base: "apt:bookworm"` + "\n"}},
		"projects on disk are no packages of a lock": {"-- setup.py --\nfrom setuptools import setup\nsetup(name='src', install_requires=['idna'])\n-- requirements/prod.txt --\n# all\n-e .\n-r base.txt\n-- requirements/base.txt --\n" +
			"-- requirements.txt --\n# ours\n-e .[gpu]\nsix==1.17.0 \\\n    --only-binary=six\nlib @ file:lib\n-r requirements/base.txt\n-- train.py --\nprint(1)\n", InitOptions{},
			[]string{"requirements.in -o", "six==1.17.0 --only-binary=six  # requirements.txt:3\n", "-r requirements/base.txt  # requirements.txt:6\n", "idna  # setup.py:2", "-e .[gpu] (line 2), lib @ file:lib (line 5);", "project: some-repository", "!# ours"}},
		"what the sandbox does not run": {"-- nightly.yaml --\nversion: 1.1\nkind: operation\nschedule: {kind: cron, cron: '0 0 * * *'}\ncomponent:\n  run: {kind: job, container: {image: a:1}}\n" +
			"-- best.yaml --\nversion: 1.1\nkind: operation\njoins:\n- {query: 'metrics.loss:<1', params: {a: {value: outputs.a}}}\ncomponent:\n  inputs: [{name: a, type: str, isOptional: true}]\n  run: {kind: job, container: {image: a:1}}\n", InitOptions{},
			[]string{"nightly is left out: the sandbox runs no schedules: nightly.yaml:3:1", "best is left out: the sandbox makes no joins: best.yaml:3:1", "# jobs:", "!slipway plan      #", "!slipway deploy    #"}},
		"only files for Polyaxon 0.x": {"-- polyaxonfile.yml --\nversion: 1\nkind: experiment\nbuild: {image: a}\nrun: {cmd: python -m train}\n", InitOptions{},
			[]string{"slipway check polyaxonfile.yml says what to write instead", "add a job to slipway.yaml", "!slipway plan      #"}},
		"a program for Polyaxon 0.x without a list of packages": {"-- polyaxonfile.yml --\nversion: 1\nkind: experiment\nrun: {cmd: python hello.py}\n-- hello.py --\nprint(1)\n", InitOptions{},
			[]string{"no list of packages was found, so requirements.lock.txt has none", "make this file with\n# uv pip compile --universal --python-version 3.12 --no-build --generate-hashes requirements.txt -o requirements.lock.txt\n", "COMMAND: [python, hello.py]", "slipway deploy    #"}},
		"each program has the image of its Dockerfile": {"-- a/Dockerfile --\nFROM python:3.12\nRUN apt-get install -y gcc\n-- b/c/Dockerfile --\nFROM python:3.12\n-- b/c/x/train.py --\nprint(1)\n-- b/c/x/api.py --\napp = FastAPI()\n", InitOptions{},
			[]string{"train:\n    polyaxonfile: polyaxon/train.yml\n    image: c\n", "component: rest-api                 # one that ships: slipway component show rest-api\n    image: c\n"}},
		"a Dockerfile says what is run": {"-- infra/app.py --\nprint(1)\n-- ml/shop/__init__.py --\n-- ml/shop/churn.py --\ndef f(): ...\n-- ml/Dockerfile --\nFROM python:3.12\nCMD [\"python3\", \"-u\", \"-m\", \"shop.churn\"]\n-- requirements.txt --\nsix\n", InitOptions{},
			[]string{"polyaxon/churn.yml", `COMMAND: [python, "-m", shop.churn]`, "PYTHONPATH: /app/ml"}},
		"a program that imports a file beside it": {"-- requirements.txt --\nsix\n-- src/__init__.py --\n-- src/data/__init__.py --\n-- src/data/checks.py --\n-- src/data/make_dataset.py --\nfrom checks import x\nimport src\nprint(1)\n" +
			"-- src/train.py --\nfrom src.data import checks\nprint(1)\n", InitOptions{},
			[]string{"COMMAND: [python, src/data/make_dataset.py]", "PYTHONPATH: /app}", `COMMAND: [python, "-m", src.train]`}},
		"notebooks without JupyterLab":         {"-- requirements.txt --\npandas\n-- a.ipynb --\n{}\n", InitOptions{}, []string{"lab is left out: JupyterLab", "# services:", "!slipway up lab"}},
		"a name like an option":                {"-- requirements.txt --\nsix\n-- -x.py --\nprint(1)\n", InitOptions{}, []string{"[python, ./-x.py]"}},
		"a workflow ends before its job would": {script, InitOptions{CI: "github"}, []string{"timeout: 5h", "timeout-minutes: 360"}},
	} {
		t.Run(name, c.check)
	}
}

// TestInitRefusesFiles checks the answers to files that cannot be used.
func TestInitRefusesFiles(t *testing.T) {
	var wide []byte
	for _, unit := range utf16.Encode([]rune("\ufeffnumpy==2.0\r\n")) {
		wide = append(wide, byte(unit), byte(unit>>8))
	}
	for name, c := range map[string]struct {
		files map[string]string
		o     InitOptions
		want  string
	}{
		"UTF-16":              {map[string]string{"requirements.txt": string(wide), "train.py": "print(1)\n"}, InitOptions{}, "requirements.txt: it is not text in UTF-8"},
		"broken TOML":         {map[string]string{"pyproject.toml": "[project\nname = \"x\"\n", "train.py": "print(1)\n"}, InitOptions{}, "pyproject.toml:1:9: it is not TOML: "},
		"a table twice":       {map[string]string{"pyproject.toml": "\"project\".'name' = \"x\"\n[project]\n", "train.py": "print(1)\n"}, InitOptions{}, "pyproject.toml:2:2: it is not TOML: "},
		"Latin-1":             {map[string]string{"pyproject.toml": "[project]\nname = \"caf\xe9\"\n", "train.py": "print(1)\n"}, InitOptions{}, "pyproject.toml: it is not text in UTF-8 (save it as UTF-8"},
		"slipway.yml":         {map[string]string{"slipway.yml": "", "train.py": "print(1)\n"}, InitOptions{}, "slipway reads slipway.yaml: rename it"},
		"a base":              {map[string]string{"requirements.txt": "six\n", "train.py": "print(1)\n"}, InitOptions{Base: "python 3.12"}, "--base python 3.12: it is not the name of an image"},
		"not a program":       {map[string]string{"requirements.txt": "six\n", "train.py": "print(1)\n", "train.sh": ""}, InitOptions{Program: "train.sh"}, "--program train.sh: it is not a program in Python"},
		"a link elsewhere":    {map[string]string{"requirements.txt": "six\n", "train.py": "print(1)\n", "polyaxon": "->"}, InitOptions{Lock: "none"}, "polyaxon: it is not a directory of this repository"},
		"a linked .gitignore": {map[string]string{"requirements.txt": "six\n", "train.py": "print(1)\n", ".gitignore": "->"}, InitOptions{Lock: "none"}, ".gitignore: is a symbolic link, not a file, so that nothing is written (make it a file"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for file, text := range c.files {
				err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644)
				if text == "->" {
					err = errors.Join(os.Remove(filepath.Join(dir, file)), os.Symlink(t.TempDir(), filepath.Join(dir, file)))
				}
				if err != nil {
					t.Skip(err)
				}
			}
			before := tree(t, dir)
			c.o.Yes = true
			result, err := Init(t.Context(), &Env{Dir: dir, Events: report.Discard{}, Lookup: func(string) (string, bool) { return "", false }}, c.o)
			if err == nil || !strings.Contains(err.Error(), c.want) || name != "a link elsewhere" && exit.Code(err) != exit.Usage {
				t.Errorf("%v", err)
			}
			if result.Init != nil && len(result.Init.Next) > 0 || len(tree(t, dir)) != len(before) {
				t.Errorf("after the refusal: %+v, %v", result.Init, tree(t, dir))
			}
		})
	}
}

// TestInitInMonorepo runs init in two projects of one repository.
func TestInitInMonorepo(t *testing.T) {
	for _, ci := range []string{"github", "gitlab"} {
		env := shape(t, filepath.Join("testdata", "init", "requirements.txtar"))
		root := env.Dir
		for _, name := range []string{"a", "b"} {
			dir := filepath.Join(root, name)
			if err := errors.Join(os.Mkdir(dir, 0o755), os.WriteFile(filepath.Join(dir, "train.py"), []byte("print(1)\n"), 0o644), os.WriteFile(filepath.Join(dir, "requirements.txt"), []byte("six\n"), 0o644)); err != nil {
				t.Fatal(err)
			}
			env.Dir = dir
			if _, err := Init(t.Context(), env, InitOptions{Yes: true, CI: ci, Lock: "none"}); err != nil {
				t.Fatal(err)
			}
		}
		all := tree(t, root)
		want := map[string][]string{
			".github/workflows/slipway-a.yml": {"name: slipway-a\n", "group: deploy-a-"}, ".github/workflows/slipway-b.yml": {"name: slipway-b\n", "group: deploy-b-"},
		}
		if ci == "gitlab" {
			want = map[string][]string{".gitlab-ci.yml": {"\nslipway-a:\n", "resource_group: slipway-a ", "SLIPWAY_DIR: a\n", "extends: .slipway-a\n", "\nslipway-a-plan:\n", "=ignore slipway-ci\n"}, ".gitlab/slipway-b.yml": {"\nslipway-b:\n", "resource_group: slipway-b ", "SLIPWAY_DIR: b\n", "extends: .slipway-b\n", "\nslipway-b-plan:\n", "=ignore slipway-ci\n"}}
		}
		for file, texts := range want {
			for _, text := range texts {
				if !strings.Contains(all[file], text) {
					t.Errorf("%s has no %q:\n%s", file, text, all[file])
				}
			}
		}
	}
}

// TestInitIsBounded runs init in repositories that are made to take long.
func TestInitIsBounded(t *testing.T) {
	many := &txtar.Archive{Files: []txtar.File{{Name: "requirements.txt", Data: []byte("six\n")}, {Name: "train.py", Data: []byte("print(1)\n")}}}
	many.Files = append(many.Files,
		txtar.File{Name: "expand.sh", Data: []byte("A=" + strings.Repeat("x", 900) + "\ndocker build -t " + strings.Repeat("$A", 100_000) + " .\n")},
		txtar.File{Name: "lines.sh", Data: []byte(strings.Repeat("\\\n", 120_000))})
	for n := range 1500 {
		name := filepath.ToSlash(filepath.Join("p", strings.Repeat("x", n%40), "f"+strings.Repeat("y", n/40)+".yml"))
		many.Files = append(many.Files, txtar.File{Name: name, Data: []byte("version: 1.1\nkind: component\nname: x\nrun: {kind: job, container: {image: slipway}}\n")})
	}
	archive := filepath.Join(t.TempDir(), "many.txtar")
	if err := os.WriteFile(archive, txtar.Format(many), 0o644); err != nil {
		t.Fatal(err)
	}
	env := shape(t, archive)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // it took many without limits
	defer cancel()
	result, err := Init(ctx, env, InitOptions{DryRun: true})
	if err != nil || ctx.Err() != nil || len(result.Init.Next) == 0 {
		t.Error(err, ctx.Err())
	}
}
