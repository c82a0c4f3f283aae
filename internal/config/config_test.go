package config

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-ci/slipway/internal/secret"
)

var update = flag.Bool("update", false, "write the golden files")

// load writes text to a file and loads it.
func load(t testing.TB, text string, o Options) (*Config, error) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, FileName), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	return Load(FileName, o)
}

func environment(pairs ...string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1], true
			}
		}
		return "", false
	}
}

func TestExample(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("testdata", "example.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	c, err := load(t, string(text), Options{Lookup: environment("PRED_MODEL_UUID", "abc")})
	if err != nil {
		t.Fatal(err)
	}
	one := 1
	want := &Job{Name: "train", Component: "train", Image: "train", After: []string{"process-data"}, GPU: &one, Timeout: 6 * time.Hour, Matrix: "server", OnCancel: "stop",
		Params: map[string]any{"INPUT_DATA_DIR": "/polyaxon-v1-data/processed", "MLFLOW_TRACKING_PASSWORD": "secret:env:MLFLOW_PASSWORD"}}
	if diff := cmp.Diff(want, c.Jobs["train"]); diff != "" {
		t.Error(diff)
	}
	if c.Images["api"].BuildArgs["PRED_MODEL_UUID"] != "abc" || c.Images["api"].Kind() != "dockerfile" || c.Cluster.GKE.Name != "ml" {
		t.Errorf("images %+v, cluster %+v", c.Images["api"], c.Cluster)
	}
	if at := c.At("jobs", "train", "gpu").String(); at != "slipway.yaml:36:10" {
		t.Errorf("jobs.train.gpu stands at %s", at)
	}
	waves, err := c.JobOrder()
	if err != nil || len(waves) != 2 || waves[1][0].Name != "train" {
		t.Errorf("waves %v, %v", waves, err)
	}
	production, err := Load(FileName, Options{Environment: "production", Lookup: environment("PRED_MODEL_UUID", "abc")})
	if err != nil {
		t.Fatal(err)
	}
	if production.Registry != "asia.gcr.io/acme-prod" || production.Cluster.GKE.Name != "prod" || production.Cluster.Namespace != "polyaxon-v1" {
		t.Errorf("production is %+v", production)
	}
}

func TestErrors(t *testing.T) {
	const job = "jobs: {j: {polyaxonfile: a.yml}}\n"
	const provider = "projects/1/locations/global/workloadIdentityPools/ci/providers/github"
	for name, test := range map[string]struct{ text, want string }{
		"empty":                 {" \n", "slipway.yaml: is empty; name at least a job, or an image to build"},
		"a list":                {"- a\n", "slipway.yaml:1:1: slipway.yaml must be a mapping, not a list"},
		"a tab":                 {"jobs:\n\tj: 1\n", "slipway.yaml:2:1: there is a tab, which YAML does not allow for indentation or as a separator (use spaces)\n  2 | \tj: 1\n    | ^"},
		"two documents":         {job + "---\na: 1\n", "slipway.yaml:2:1: has a second document (---); only one is allowed (split it into two files)\n  2 | ---\n    | ^"},
		"unknown key":           {"projct: x\n" + job, "slipway.yaml:1:1: slipway.yaml has no key projct (did you mean project?)"},
		"repeated key":          {job + job, "slipway.yaml:2:1: duplicate key jobs: already set at line 1"},
		"merge key":             {"images: {<<: {}}\n", "slipway.yaml:1:10: merge keys (<<) are not allowed (write the keys out)"},
		"no such sandbox":       {"sandbox: {polyaxon: 2.16}\n" + job, `slipway.yaml:1:21: sandbox.polyaxon must be 1.11.3 or 2.18, not "2.16"`},
		"number for text":       {"project: 7\n", `slipway.yaml:1:10: project must be text, but "7" is read as a number (put it in quotes)`},
		"bad name":              {"project: A b\n", `slipway.yaml:1:10: project must be lowercase letters, digits and dashes, at most 63, not "A b"`},
		"bad name of a job":     {"jobs: {J_1: {polyaxonfile: a.yml}}\n", `slipway.yaml:1:8: "J_1" is not a valid name for jobs: use lowercase letters, digits and dashes, at most 63`},
		"null":                  {"jobs:\n", "slipway.yaml:1:6: jobs is empty (give it a value, or leave the key out)"},
		"text for a number":     {"jobs: {j: {polyaxonfile: a.yml, gpu: many}}\n", `slipway.yaml:1:38: jobs.j.gpu must be a whole number, 0 or more, not "many"`},
		"negative":              {"jobs: {j: {polyaxonfile: a.yml, gpu: -1}}\n", `slipway.yaml:1:38: jobs.j.gpu must be a whole number, 0 or more, not "-1"`},
		"bad duration":          {"jobs: {j: {polyaxonfile: a.yml, timeout: 5}}\n", `slipway.yaml:1:42: jobs.j.timeout is not a valid duration: "5" (write it as 90s, 30m, 6h or 2d)`},
		"bad choice":            {"jobs: {j: {polyaxonfile: a.yml, on-cancel: maybe}}\n", `slipway.yaml:1:44: jobs.j.on-cancel must be stop or leave, not "maybe"`},
		"a path outside":        {"jobs: {j: {polyaxonfile: ../a.yml}}\n", `slipway.yaml:1:26: jobs.j.polyaxonfile must be a path inside the repository, without .. that leaves it, not "../a.yml"`},
		"no polyaxonfile":       {"jobs: {j: {}}\n", "slipway.yaml:1:11: jobs.j needs exactly one of polyaxonfile and component"},
		"missing image":         {"jobs: {j: {polyaxonfile: a.yml, image: x}}\n", "slipway.yaml:1:40: image x not found (none are declared)"},
		"missing upstream":      {"jobs: {j: {polyaxonfile: a.yml, after: [k]}}\n", "slipway.yaml:1:41: job k not found (known names are j)"},
		"reference to no job":   {"jobs: {j: {polyaxonfile: a.yml, params: {x: {ref: ops.k, value: outputs.y}}}}\n", "slipway.yaml:1:45: job k not found (known names are j)"},
		"reference elsewhere":   {"jobs: {j: {polyaxonfile: a.yml, params: {x: {ref: jobs.j, value: outputs.y}}}}\n", "slipway.yaml:1:45: params.x of j refers to jobs.j, which is not a job in this file (write {ref: ops.JOB, value: outputs.NAME})"},
		"reference to nothing":  {"jobs: {j: {polyaxonfile: a.yml, params: {x: {ref: ops.j, value: loss}}}}\n", "slipway.yaml:1:45: params.x of j refers to j, but value is not an output or input of it, or globals.uuid (write {ref: ops.JOB, value: outputs.NAME})"},
		"reference to itself":   {"jobs: {j: {polyaxonfile: a.yml, params: {x: {ref: ops.j, value: outputs.y}}}}\n", "slipway.yaml:1:11: dependency cycle in after: j -> j"},
		"service with one":      {"jobs: {j: {polyaxonfile: a.yml}}\nservices: {s: {polyaxonfile: a.yml, params: {x: {ref: ops.j, value: outputs.y}}}}\n", "slipway.yaml:2:49: params.x of s refers to a job (a service cannot wait for a job)"},
		"itself":                {"jobs: {j: {polyaxonfile: a.yml, after: [j]}}\n", "slipway.yaml:1:40: dependency cycle in after: j -> j"},
		"image of no kind":      {"images: {i: {workdir: /x}}\n", "slipway.yaml:1:13: image i needs one of go, python, dockerfile and files"},
		"image of two kinds":    {"images: {i: {go: {main: a}, dockerfile: b}}\n", "slipway.yaml:1:13: image i has more than one of go, python and dockerfile"},
		"base outside":          {"images: {i: {files: [a], base: \"oci:../base\"}}\n", `slipway.yaml:1:32: base of image i must be a path inside the repository, without .. that leaves it, or an absolute path, not "../base" (write oci:DIR or archive:FILE.tar)`},
		"base of no path":       {"images: {i: {go: {main: a, base: \"archive:\"}}}\n", `slipway.yaml:1:34: base of image i must be a path inside the repository, without .. that leaves it, or an absolute path, not "" (write oci:DIR or archive:FILE.tar)`},
		"base of no image":      {"images: {i: {python: {requirements: a, base: \"slipway://j\"}}, jj: {files: [a]}}\n", "slipway.yaml:1:46: image j not found (did you mean jj?)"},
		"base on itself":        {"images: {i: {files: [a], base: \"slipway://i\"}}\n", "slipway.yaml:1:32: dependency cycle in base: i -> i"},
		"bases in a circle":     {"images: {i: {files: [a], base: \"slipway://j\"}, j: {go: {main: a, base: \"slipway://i\"}}}\n", "slipway.yaml:1:32: dependency cycle in base: i -> j -> i"},
		"base elsewhere":        {"images: {i: {files: [a], platforms: [linux/amd64, linux/arm64], base: \"slipway://j\"}, j: {files: [a], platforms: [linux/amd64]}}\n", "slipway.yaml:1:37: image i is for linux/arm64, and its base j is not (add it to the platforms of j)"},
		"mirror of https":       {"registry-mirrors: {docker.io: \"https://m.example.com\"}\nimages: {i: {files: [a]}}\n", `slipway.yaml:1:31: registry-mirrors.docker.io must be a host and the beginning of a path, such as mirror.example.com/dockerhub, without https://, not "https://m.example.com"`},
		"mirror of a path":      {"registry-mirrors: {gcr.io/acme: m.example.com}\nimages: {i: {files: [a]}}\n", `slipway.yaml:1:33: "gcr.io/acme" is not the host of a registry (write the host alone, as in docker.io)`},
		"system of a kind":      {"images: {i: {go: {main: a}, system: [libgl1]}}\n", "slipway.yaml:1:37: image i is of kind go, and system is for kinds python and files (add them in the Dockerfile with apt-get, or to another image that is the base)"},
		"system on nothing":     {"images: {i: {files: [a], system: [libgl1]}}\n", "slipway.yaml:1:34: image i has system packages and no base (name one that has apt, such as debian:stable-slim)"},
		"system of a version":   {"images: {i: {files: [a], base: b, system: [libgl1=1]}}\n", `slipway.yaml:1:44: images.i.system.0 must be the name of a Debian package, such as libgl1, without a version, not "libgl1=1"`},
		"mirror of no address":  {"system-mirrors: {debian.example.com: \"https://m.example.com\"}\nimages: {i: {files: [a]}}\n", `slipway.yaml:1:38: "debian.example.com" is not the address of a repository (write it as in the base's apt sources, such as http://debian.example.com/debian)`},
		"missing main":          {"images: {i: {go: {}}}\n", "slipway.yaml:1:18: images.i.go needs main"},
		"bad secret source":     {"secrets: {s: {data: {k: hunter2}}}\n", `slipway.yaml:1:25: secrets.s.data.k must be ` + secret.Forms() + `, not the given value (hidden, it may be a secret)`},
		"bad name of a secret":  {"secrets: {a..b: {data: {k: \"env:K\"}}}\n", `slipway.yaml:1:11: "a..b" is not a valid name for secrets: use lowercase letters, digits, dashes and dots, as Kubernetes requires`},
		"bad key of a secret":   {"secrets: {s: {data: {a/b: \"env:K\"}}}\n", `slipway.yaml:1:27: "a/b" cannot be a key of secret s: use letters, digits, dashes, underscores and dots, at most 253, as Kubernetes requires`},
		"a key of two dots":     {"secrets: {s: {data: {..: \"env:K\"}}}\n", `slipway.yaml:1:26: ".." cannot be a key of secret s: use letters, digits, dashes, underscores and dots, at most 253, as Kubernetes requires`},
		"tls without its key":   {"secrets: {s: {tls: {cert: \"env:C\"}}}\n", "slipway.yaml:1:20: secrets.s.tls needs key"},
		"upper-case registry":   {"secrets: {s: {docker-registry: {server: ASIA.gcr.io, service-account-key: \"env:P\"}}}\n", `slipway.yaml:1:41: secrets.s.docker-registry.server must be the address of a registry as names of images have it, in lower-case letters, such as https://asia.gcr.io or registry.example.com:5000, not "ASIA.gcr.io"`},
		"a secret of two":       {"secrets: {s: {data: {k: \"env:K\"}, basic-auth: {username: u, password: \"env:P\"}}}\n", "slipway.yaml:1:14: secret s needs exactly one of data, docker-registry, tls and basic-auth"},
		"a pasted secret":       {"jobs: {j: {polyaxonfile: a.yml, params: {P: \"secret:hunter2\"}}}\n", "slipway.yaml:1:45: params.P of j begins with secret: but is not a valid secret source (write secret:env:NAME or secret:file:PATH)"},
		"two volumes":           {"volume: {connection: a, claim: b}\n", "slipway.yaml:1:9: volume needs exactly one of connection and claim"},
		"a bucket of no name":   {"bucket: gs://Acme\n" + job, `slipway.yaml:1:9: bucket must be gs:// and the name of a bucket that Cloud Storage accepts (3 to 63 lower-case letters, digits, dashes, underscores and dots), as gs://acme-ml or gs://acme-ml/models, not "gs://Acme"`},
		"a bucket as a path":    {"bucket: data\n" + job, `slipway.yaml:1:9: bucket must be gs:// and the name of a bucket that Cloud Storage accepts (3 to 63 lower-case letters, digits, dashes, underscores and dots), as gs://acme-ml or gs://acme-ml/models, not "data"`},
		"artifacts outside":     {"bucket: gs://acme\njobs: {j: {polyaxonfile: a.yml, artifacts: {model: ../model}}}\n", `slipway.yaml:2:52: jobs.j.artifacts.model must be a pattern of paths inside the run's directory, as in .dockerignore, such as outputs/model/**, without .. that leaves it, not "../model"`},
		"artifacts of a root":   {"bucket: gs://acme\njobs: {j: {polyaxonfile: a.yml, artifacts: {model: /model}}}\n", `slipway.yaml:2:52: jobs.j.artifacts.model must be a pattern of paths inside the run's directory, as in .dockerignore, such as outputs/model/**, without .. that leaves it, not "/model"`},
		"artifacts unclosed":    {"bucket: gs://acme\njobs: {j: {polyaxonfile: a.yml, artifacts: {model: \"a[\"}}}\n", `slipway.yaml:2:52: jobs.j.artifacts.model must be a pattern of paths inside the run's directory, as in .dockerignore, such as outputs/model/**, without .. that leaves it, not "a["`},
		"artifacts nowhere":     {"jobs: {j: {polyaxonfile: a.yml, artifacts: {model: outputs}}}\n", "slipway.yaml:1:44: artifacts of job j need a bucket (name where they are copied to, such as bucket: gs://acme-ml)"},
		"artifacts of no name":  {"bucket: gs://acme\njobs: {j: {polyaxonfile: a.yml, artifacts: {a b: outputs}}}\n", `slipway.yaml:2:50: "a b" cannot be the name of an artifact: use lowercase letters, digits and dashes, at most 63`},
		"a connection created":  {"volume: {connection: a, create: {size: 1Gi, access: ReadWriteOnce}}\n", "slipway.yaml:1:33: volume.create is for a claim, not for a connection (name the claim that the connection uses by volume.claim, or leave out create)"},
		"a claim of no size":    {"volume: {claim: a, create: {access: ReadWriteOnce}}\n", "slipway.yaml:1:28: volume.create needs size"},
		"a claim of no access":  {"volume: {claim: a, create: {size: 1Gi}}\n", "slipway.yaml:1:28: volume.create needs access"},
		"gigabytes of a claim":  {"volume: {claim: a, create: {size: 100GB, access: ReadWriteOnce}}\n", `slipway.yaml:1:35: volume.create.size must be a size such as 100Gi or 1Ti, not "100GB"`},
		"an access misspelt":    {"volume: {claim: a, create: {size: 1Gi, access: ReadWriteMeny}}\n", `slipway.yaml:1:48: volume.create.access must be ReadWriteOnce, ReadWriteMany or ReadWriteOncePod, not "ReadWriteMeny"`},
		"serve of no path":      {"serve: {a: {model: t, image: i, service: s, path: models}}\njobs: {t: {polyaxonfile: a.yml}}\nimages: {i: {files: [a]}}\nservices: {s: {polyaxonfile: a.yml, image: i}}\n", `slipway.yaml:1:51: serve.a.path must be an absolute path, such as /polyaxon-v1-data/models, not "models"`},
		"serve of two models":   {"serve: {a: {model: t, image: i, service: s}, b: {model: t, image: i, service: s}}\njobs: {t: {polyaxonfile: a.yml}}\nimages: {i: {files: [a]}}\nservices: {s: {polyaxonfile: a.yml, image: i}}\n", "slipway.yaml:1:67: image i is already served by serve.a (one image serves one model: add another image)\nslipway.yaml:1:79: service s is already named by serve.a"},
		"serve by a job":        {"serve: {a: {model: t, image: i, service: t}}\njobs: {t: {polyaxonfile: a.yml}}\nimages: {i: {files: [a]}}\n", "slipway.yaml:1:42: t is a job, not a service (move it to services, and give it a Polyaxonfile of kind service)"},
		"serve with a wait":     {"serve: {a: {model: t, image: i, wait: 1m}}\njobs: {t: {polyaxonfile: a.yml}}\nimages: {i: {files: [a]}}\nmanifests: [k8s]\n", "slipway.yaml:1:39: serve.a.wait is for a service, and serve.a names none (leave it out: --rollout-timeout says how long deploy waits for manifests)"},
		"an argument of files":  {"serve: {a: {model: t, image: i, build-arg: R}}\njobs: {t: {polyaxonfile: a.yml}}\nimages: {i: {files: [a]}}\nmanifests: [k8s]\n", "slipway.yaml:1:44: image i is of kind files, and build-arg is for Dockerfiles (leave it out: the program finds the run in the environment variable MODEL_RUN)"},
		"an argument twice":     {"serve: {a: {model: t, image: i, build-arg: R}}\njobs: {t: {polyaxonfile: a.yml}}\nimages: {i: {dockerfile: D, build-args: {R: x}}}\nmanifests: [k8s]\n", "slipway.yaml:1:44: build argument R is already set in build-args of image i (remove it there)"},
		"a job of a model":      {"serve: {a: {model: t, image: i, build-arg: R}}\njobs: {t: {polyaxonfile: a.yml}, u: {polyaxonfile: a.yml, image: i}}\nimages: {i: {dockerfile: D}}\nmanifests: [k8s]\n", "slipway.yaml:1:44: job u uses image i, which gets the run of t as a build argument and so is built after the jobs (give the job an image of its own)"},
		"mlflow without it":     {"mlflow: {experiment: a}\n", "slipway.yaml:1:9: mlflow needs tracking-uri"},
		"mlflow nowhere":        {"mlflow: {tracking-uri: mlflow.acme.dev}\n", `slipway.yaml:1:24: mlflow.tracking-uri must be an address that begins with https:// or http://, service:NAME, or cluster, not "mlflow.acme.dev"`},
		"mlflow with a user":    {"mlflow: {tracking-uri: \"https://ada:hunter2@m\"}\n", "slipway.yaml:1:24: mlflow.tracking-uri must not have a user or a password (name them by mlflow.username and mlflow.password)"},
		"mlflow with a query":   {"mlflow: {tracking-uri: \"https://m/?token=hunter2\"}\n", "slipway.yaml:1:24: mlflow.tracking-uri must not have a query or a fragment (leave out what begins with ? or #)"},
		"mlflow with a page":    {"mlflow: {tracking-uri: \"https://m/#/experiments/1\"}\n", "slipway.yaml:1:24: mlflow.tracking-uri must not have a query or a fragment (leave out what begins with ? or #)"},
		"mlflow of a bad port":  {"mlflow: {tracking-uri: \"https://ada:hunter2@m:port\"}\n", "slipway.yaml:1:24: mlflow.tracking-uri is not a valid address (write it as https://HOST, https://HOST:PORT or https://HOST/PATH)"},
		"polyaxon with a user":  {"polyaxon: {host: \"https://ada:hunter2@p\"}\n", "slipway.yaml:1:18: polyaxon.host must not have a user or a password (name them by polyaxon.token)"},
		"polyaxon with a query": {"polyaxon: {host: \"https://p?token=hunter2\"}\n", "slipway.yaml:1:18: polyaxon.host must not have a query or a fragment (leave out what begins with ? or #)"},
		"a password elsewhere":  {"mlflow: {tracking-uri: \"ftp://ada:hunter2@m\"}\n", `slipway.yaml:1:24: mlflow.tracking-uri must be an address that begins with https:// or http://, service:NAME, or cluster, not "ftp://***@m"`},
		"mlflow of no service":  {"mlflow: {tracking-uri: \"service:mlfow\"}\nservices: {mlflow: {component: mlflow}}\n", "slipway.yaml:1:24: service mlfow not found (did you mean mlflow?)"},
		"mlflow of a job":       {"mlflow: {tracking-uri: \"service:j\"}\njobs: {j: {polyaxonfile: a.yml}}\n", "slipway.yaml:1:24: mlflow.tracking-uri names j, which is a job and not a service (move it to services, and give it a Polyaxonfile of kind service)"},
		"mlflow of no cluster":  {"mlflow: {tracking-uri: cluster}\n", "slipway.yaml:1:24: mlflow.tracking-uri is cluster, and slipway.yaml has no cluster to find MLflow in (set cluster, name a service of this file as service:NAME, or give the address)"},
		"mlflow with a login":   {"mlflow: {tracking-uri: \"service:m\", username: u}\nservices: {m: {component: mlflow}}\n", "slipway.yaml:1:47: a service of the sandbox asks for a key of its own, so mlflow.username and mlflow.password cannot be passed to it (leave them out: the sandbox lets only its own jobs and you reach the service)"},
		"mlflow of an address":  {"mlflow: {tracking-uri: \"http://m\", wait: 1m}\n", "slipway.yaml:1:42: mlflow.wait is for a service of this file, as in tracking-uri: service:mlflow (leave it out)"},
		"a pasted password":     {"mlflow: {tracking-uri: \"http://m\", password: hunter2}\n", `slipway.yaml:1:46: mlflow.password must be ` + secret.Forms() + `, not the given value (hidden, it may be a secret)`},
		"no yes or no":          {"jobs: {j: {polyaxonfile: a.yml, credentials: maybe}}\n", `slipway.yaml:1:46: jobs.j.credentials must be true or false, not "maybe"`},
		"cluster without way":   {"cluster: {namespace: x}\n", "slipway.yaml:1:10: cluster needs exactly one of gke and kubeconfig"},
		"GKE of no project":     {"cluster: {gke: {location: europe-west4, name: ml}}\n", "slipway.yaml:1:16: cluster.gke needs project (or set google.project)"},
		"GKE nowhere":           {"cluster: {gke: {project: p, location: Belgium, name: ml}}\n", `slipway.yaml:1:39: cluster.gke.location must be a region, such as europe-west4, or a zone, such as europe-west4-a, not "Belgium"`},
		"GKE by another way":    {"cluster: {gke: {project: p, location: europe-west4, name: ml, endpoint: vpn}}\n", `slipway.yaml:1:73: cluster.gke.endpoint must be auto, public, private, dns or fleet, not "vpn"`},
		"fleet of no use":       {"google: {project: p}\ncluster: {gke: {location: europe-west4, name: ml, fleet-project: f}}\n", "slipway.yaml:2:66: cluster.gke.fleet-project needs endpoint: fleet"},
		"key in the manager":    {"google: {credentials: \"gcp-secret-manager:projects/p/secrets/s\"}\n", "slipway.yaml:1:23: google.credentials cannot be in Secret Manager, which is read with these credentials (use env: or file:, or leave it out and use the credentials of this machine)"},
		"a pasted key":          {"google: {credentials: hunter2}\n", `slipway.yaml:1:23: google.credentials must be ` + secret.Forms() + `, not the given value (hidden, it may be a secret)`},
		"two identities":        {"google: {credentials: env:K, workload-identity-provider: " + provider + "}\n", "slipway.yaml:1:9: google has both credentials and workload-identity-provider (leave one out)"},
		"no provider":           {"google: {service-account: a@b.iam.gserviceaccount.com}\n", "slipway.yaml:1:27: google.service-account needs workload-identity-provider"},
		"a pool":                {"google: {workload-identity-provider: projects/1/locations/global/workloadIdentityPools/ci}\n", `slipway.yaml:1:38: "projects/1/locations/global/workloadIdentityPools/ci" is a workload identity pool, and not a provider: add /providers/PROVIDER`},
		"not an account":        {"google: {workload-identity-provider: " + provider + ", service-account: x}\n", `slipway.yaml:1:126: "x" is not the address of a service account, such as deployer@project.iam.gserviceaccount.com`},
		"token in a file":       {"google: {workload-identity-provider: " + provider + ", id-token: file:t}\n", "slipway.yaml:1:119: google.id-token must be an environment variable (write env:NAME)"},
		"unset variable":        {"project: ${NOPE}\n", "slipway.yaml:1:10: the environment variable NOPE is not set (set it, or write ${NOPE:-default})"},
		"open variable":         {"project: ${NOPE\n", "slipway.yaml:1:10: ${ is not closed by } (write $${ for a plain ${)"},
		"hidden value":          {"jobs: {j: {polyaxonfile: a.yml, gpu: \"${SECRET}\"}}\n", "slipway.yaml:1:38: jobs.j.gpu must be a whole number, 0 or more, not the value of an environment variable (hidden)"},
		"bad environment":       {job + "environments: {p: {projct: x}}\n", "slipway.yaml:2:20: environments.p has no key projct (did you mean project?)"},
		"misspelt job of one":   {job + "environments: {p: {jobs: {jj: {gpu: 4}}}}\n", "slipway.yaml:2:31: with --env p: jobs.jj needs exactly one of polyaxonfile and component"},
		"image of one":          {job + "environments: {p: {jobs: {j: {image: x}}}}\n", "slipway.yaml:2:38: with --env p: image x not found (none are declared)"},
		"nested environments":   {job + "environments: {p: {environments: {}}}\n", "slipway.yaml:2:20: environments cannot be set in an environment"},
		"repeated environment":  {job + "environments: {p: {project: a}, p: {project: b}}\n", "slipway.yaml:2:33: duplicate key p: already set at line 2"},
		"all repeated":          {job + "environments: {}\nenvironments: {}\n", "slipway.yaml:3:1: duplicate key environments: already set at line 2"},
		"number in an image":    {"images: {env: {files: [a], user: 1000}}\n", `slipway.yaml:1:34: images.env.user must be text, but "1000" is read as a number (put it in quotes)`},
		"later version":         {"project: version\nversion: 2\njbos: {}\n", `slipway.yaml:2:10: version must be 1, not "2" (write version: 1, or leave it out; a later version needs a later slipway)`},
		"version as text":       {"version: \"1\"\n" + job, `slipway.yaml:1:10: version must be 1, not "1" (write version: 1, or leave it out; a later version needs a later slipway)`},
		"no version":            {"version:\n" + job, "slipway.yaml:1:9: version is empty (give it a value, or leave the key out)"},
		"two versions":          {"version: 1\nversion: 2\n" + job, "slipway.yaml:2:1: duplicate key version: already set at line 1"},
		"mapping of versions":   {"version: {a: 1}\n" + job, "slipway.yaml:1:10: version must be a single value, not a mapping (write version: 1, or leave it out; a later version needs a later slipway)"},
		"version of one":        {job + "environments: {p: {version: 1}}\n", "slipway.yaml:2:20: version cannot be set in an environment"},
		"several":               {"projct: 1\njobs: {j: {polyaxonfile: a.yml, gpu: x}}\n", "slipway.yaml:1:1: slipway.yaml has no key projct (did you mean project?)\nslipway.yaml:2:38: jobs.j.gpu must be a whole number, 0 or more, not \"x\""},
		"data without a target": {"data: {d: {from: raw}}\n" + job, "slipway.yaml:1:11: data.d needs to"},
		"data to this machine":  {"data: {d: {from: raw, to: out}}\n" + job, `slipway.yaml:1:27: data.d.to: "out" is a path of this machine (write volume:/DIR or gs://BUCKET/DIR)`},
		"data out of a volume":  {"data: {d: {from: raw, to: 'volume:/../x'}}\n" + job, `slipway.yaml:1:27: data.d.to: "volume:/../x" cannot be a file: it has an empty part, or the part . or ..`},
		"data from outside":     {"data: {d: {from: ../raw, to: 'volume:/x'}}\n" + job, `slipway.yaml:1:18: data.d.from: "../raw" is not a path inside the repository, without .. that leaves it`},
		"data from the volume":  {"data: {d: {from: 'volume:/x', to: 'gs://acme'}}\n" + job, "slipway.yaml:1:18: data.d.from: \"volume:/x\" is in the volume (copy it with `slipway data sync`)"},
		"data into itself":      {"data: {d: {from: 'gs://acme/a', to: 'gs://acme/a/b'}}\n" + job, "slipway.yaml:1:37: data.d writes into its own source gs://acme/a"},
		"data into other data":  {"data: {a: {from: x, to: 'volume:/x'}, b: {from: y, to: 'volume:/x/y'}}\n" + job, "slipway.yaml:1:56: data.b and data.a write into one another: volume:/x/y and volume:/x (give each a directory of its own)"},
		"data of other data":    {"data: {a: {from: x, to: 'gs://acme/x'}, b: {from: 'gs://acme/x', to: 'volume:/x'}}\n" + job, "slipway.yaml:1:51: data.b reads what data.a writes: gs://acme/x (read it from where that comes from)"},
		"no such data":          {"data: {raw: {from: x, to: 'volume:/x'}}\njobs: {j: {polyaxonfile: a.yml, data: [row]}}\n", "slipway.yaml:2:40: data row not found (did you mean raw?)"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := load(t, test.text, Options{Lookup: environment("SECRET", "hunter2")})
			if err == nil {
				t.Fatal("there is no error")
			}
			if diff := cmp.Diff(test.want, err.Error()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestExpansion(t *testing.T) {
	lookup := environment("REGISTRY", "r.example", "TRICK", "x}, gpu: 8", "NUMBER", "7")
	if _, err := load(t, "jobs: {j: {polyaxonfile: a.yml, gpu: \"${GPUS:-2}\"}}\n", Options{Lookup: lookup}); err == nil || !strings.Contains(err.Error(), "gpu must be a whole number") {
		t.Errorf("a quoted number is text: %v", err)
	}
	c, err := load(t, `
project: ${NAME:-fallback}
registry: "${REGISTRY}/team"
jobs:
  j:
    polyaxonfile: a.yml
    gpu: ${GPUS:-2}
    params: {A: "${TRICK}", B: "$${x}", D: "${NUMBER}", E: on}
`, Options{Lookup: lookup})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"A": "x}, gpu: 8", "B": "${x}", "D": "7", "E": "on"}
	if diff := cmp.Diff(want, c.Jobs["j"].Params); diff != "" || c.Project != "fallback" || *c.Jobs["j"].GPU != 2 || c.Registry != "r.example/team" {
		t.Errorf("project %s, registry %s, params %s", c.Project, c.Registry, diff)
	}
}

// TestVersion loads files with and without a version.
func TestVersion(t *testing.T) {
	for _, text := range []string{"", "version: 1\n", "version: 0x1\n", "version: ${V}\n"} {
		c, err := load(t, text+"project: p\n", Options{Lookup: environment("V", "1")})
		if err != nil || c.Version != 1 {
			t.Errorf("%q: %+v, %v", text, c, err)
		}
	}
}

func TestSchema(t *testing.T) {
	have, err := Schema([]string{"jupyter", "train", "vscode"})
	if err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("testdata", "schema.json")
	if *update {
		if err := os.WriteFile(golden, have, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(have)); diff != "" {
		t.Errorf("%s (-update writes it)", diff)
	}
}

// FuzzLoad checks that Load returns either a configuration or an error.
func FuzzLoad(f *testing.F) {
	example, err := os.ReadFile(filepath.Join("testdata", "example.yaml"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(example))
	f.Add("a: &a [*a]\n")
	f.Add("jobs: &a {x: *a}\nenvironments: {p: {jobs: *a}}\n")
	f.Add("jobs: {j: {polyaxonfile: a.yml, params: {x: &x [1], y: [*x, *x]}}}\n")
	f.Fuzz(func(t *testing.T, text string) {
		path := filepath.Join(t.TempDir(), FileName)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := Load(path, Options{Environment: "p", Lookup: environment()})
		if (c == nil) == (err == nil) {
			t.Fatalf("config %v, error %v", c, err)
		}
	})
}

// TestLiteralsAreNotShown checks that a value in place of a secret source is not printed,
// as it may be the secret itself.
func TestLiteralsAreNotShown(t *testing.T) {
	for _, text := range []string{
		"secrets: {s: {data: {K: hunter2-hunter2}}}", "secrets: {s: {data: {K: 12345678}}}", "polyaxon: {host: \"https://x\", token: hunter2-hunter2}", "polyaxon: {host: \"https://x\", token: [hunter2-hunter2]}",
		"secrets: {s: {data: {K: {hunter2-hunter2: x}}}}", "secrets: {s: {docker-registry: {server: x, service-account-key: hunter2-hunter2}}}", "secrets: {s: {data: hunter2-hunter2}}",
		"images: {i: {dockerfile: D, build-secrets: {K: hunter2-hunter2}}}", "secrets: {s: {data: {K: true}}}",
	} {
		path := filepath.Join(t.TempDir(), "slipway.yaml")
		if err := os.WriteFile(path, []byte("project: story\n"+text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Load(path, Options{Lookup: func(string) (string, bool) { return "", false }})
		if err == nil || strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "12345678") {
			t.Errorf("%s: %v", text, err)
		}
	}
}
