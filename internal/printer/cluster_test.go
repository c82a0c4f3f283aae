package printer

import (
	"bytes"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/tasks/report"
)

func TestCluster(t *testing.T) {
	yes, no, free := true, false, int64(3)
	used, capacity := int64(40<<30), int64(100<<30)
	at := time.Date(2026, 11, 24, 9, 30, 0, 0, time.UTC)
	for name, c := range map[string]*report.Cluster{
		"cluster.txt": {
			Name: "gke_acme_europe-west1_ml", Server: "https://192.0.2.1", Namespace: "polyaxon-v1", User: "ci@acme.iam.gserviceaccount.com",
			Rights:   []report.Right{{Verb: "get", Resource: "secrets", For: "to sync secrets", Allowed: &yes}, {Verb: "list", Resource: "secrets", Optional: true, Allowed: &yes}},
			Polyaxon: &report.ClusterPolyaxon{Host: "https://polyaxon.acme.dev", Version: "2.18.0", Dist: "ce", Healthy: &yes},
			Releases: []report.Release{{Name: "polyaxon", Revision: 3, Status: "deployed", Updated: &at, Chart: "polyaxon-2.18.0", AppVersion: "2.18.0"}},
			Connections: []report.Connection{{Name: "fstore-pvc", Kind: "volume_claim", Mount: "/polyaxon-v1-data", Source: "fstore"},
				{Name: "store", Kind: "gcs", Source: "gs://acme", Secret: "gcs-key", Store: true}, {Name: "data", Kind: "host_path", Mount: "/data", ReadOnly: true}},
			Volume:  &report.ClusterVolume{Claim: "fstore", Connection: "fstore-pvc", Phase: "Bound", Size: "100Gi", Access: []string{"ReadWriteMany"}, Class: "filestore", Used: &used, Capacity: &capacity},
			Secrets: []report.ClusterSecret{{Name: "token", State: "same"}, {Name: "key", State: "other", Differs: []string{"a", "b"}}, {Name: "gone", State: "missing"}, {Name: "mine", State: "other", Reason: "slipway did not write it"}},
			Pools: []report.GPUPool{{Name: "t4", Type: "nvidia-tesla-t4", Resource: "nvidia.com/gpu", Nodes: 2, GPUs: 4, Free: &free, Taints: []string{"nvidia.com/gpu=present:NoSchedule"}},
				{Resource: "amd.com/gpu", Nodes: 1, Unready: 1, GPUs: 8}},
			MLflow: &report.ClusterService{Name: "mlflow", Address: "mlflow.polyaxon-v1:5000"},
		},
		"cluster-limited.txt": {
			Name: "ml", Namespace: "polyaxon-v1",
			Rights: []report.Right{{Verb: "create", Resource: "pods/portforward", For: "to reach Polyaxon", Allowed: &no}, {Verb: "list", Resource: "events", Optional: true, Allowed: &no},
				{Verb: "get", Resource: "namespaces", For: "to create the namespace"}, {Verb: "patch", Resource: "secrets", For: "to sync secrets", Names: []string{"key", "token"}, Allowed: &no}},
			Polyaxon: &report.ClusterPolyaxon{Unready: []string{"polyaxon-api (0 of 1 pods ready)"}},
			Releases: []report.Release{{Name: "plx", Chart: "polyaxon-1.11.3"}},
			Volume:   &report.ClusterVolume{Claim: "fstore"},
			Secrets:  []report.ClusterSecret{{Name: "token", State: "there", Reason: "slipway.yaml:3:9: the environment variable TOKEN is not set\nset it"}},
			Hidden:   []report.Hidden{{What: "volume", Needs: "get persistentvolumeclaims"}, {What: "runs", Reason: "no answer within 5s"}},
		},
	} {
		var b bytes.Buffer
		if err := Text(&b, &report.Result{Cluster: c}, Page{}); err != nil {
			t.Fatal(err)
		}
		golden(t, name, b.String())
	}
}
