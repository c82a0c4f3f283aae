package tasks

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"

	"github.com/slipway-ci/slipway/internal/sandbox/sandboxtest"
	"github.com/slipway-ci/slipway/internal/testenv"
	"github.com/slipway-ci/slipway/tasks/report"
)

// eachRightAlone takes one right from each of some users of a real API server: each of those that
// doctor says a deploy needs. Doctor names that one and no other, with the line of the Role that
// grants it. A deploy ends with the API server's refusal. Another deploy, with the right, does all
// of it.
func eachRightAlone(t *testing.T, access *rest.Config, clients kubernetes.Interface, job string) {
	delayed := storagev1.VolumeBindingWaitForFirstConsumer
	must(t)(clients.StorageV1().StorageClasses().Create(t.Context(), &storagev1.StorageClass{Provisioner: "none", VolumeBindingMode: &delayed,
		ObjectMeta: metav1.ObjectMeta{Name: "standard", Annotations: map[string]string{"storageclass.kubernetes.io/is-default-class": "true"}}}, metav1.CreateOptions{}))
	elsewhere := sandboxtest.Polyaxon(t, "2.18", job)
	for kind, c := range map[string]struct{ namespace, polyaxon string }{
		"in the cluster":  {sandboxtest.Namespace, ""},
		"a new namespace": {"", "polyaxon: {host: '" + elsewhere + "'}\n"},
	} {
		first := newDeployer(t, access, clients, "all", cmp.Or(c.namespace, "all"), c.polyaxon)
		all, _ := first.lacking(t.Context())
		if len(all) < 11 {
			t.Fatalf("%s, a deploy needs only %q", kind, all)
		}
		for n, right := range all {
			if !testenv.Thorough() && n%5 != 0 || (c.namespace == "") != strings.Contains(right, "namespaces") {
				continue // a sample
			}
			t.Run(kind+"/"+right, func(t *testing.T) {
				t.Parallel()
				name := regexp.MustCompile(`\W`).ReplaceAllString(right, "-")
				newDeployer(t, access, clients, name, cmp.Or(c.namespace, name), c.polyaxon).without(right)
			})
		}
	}
}

// deployer is a user, with a project of the same name.
type deployer struct {
	*testing.T
	access          *rest.Config
	clients         kubernetes.Interface
	name, namespace string
	env             *Env
	events          *eventLog
}

// newDeployer returns a user who may do nothing.
func newDeployer(t *testing.T, access *rest.Config, clients kubernetes.Interface, name, namespace, polyaxon string) *deployer {
	t.Helper()
	d := &deployer{t, access, clients, name, namespace, nil, &eventLog{}}
	d.env = &Env{Dir: t.TempDir(), Events: d.events, Transport: http.DefaultTransport, Now: time.Now,
		Lookup: func(key string) (string, bool) { return "canary-in-env", key == "KEY" }}
	d.write("slipway.yaml", "project: "+name+"\nregistry: 127.0.0.1:1/none\n"+polyaxon+
		"cluster: {kubeconfig: {path: kubeconfig}, namespace: "+namespace+", create-namespace: true}\n"+
		"secrets: {"+name+": {data: {key: env:KEY}}}\nmanifests: [k8s.yaml]\njobs: {job: {polyaxonfile: job.yml, credentials: false}}\n"+
		"volume: {claim: "+name+", create: {size: 1Gi, access: ReadWriteMany}}\n")
	d.write("k8s.yaml", configManifest(name, "1"))
	d.write("job.yml", "version: 1.1\nkind: component\nrun: {kind: job, container: {image: 'job:1', command: ["+sandboxtest.Program+", print=done]}}\n")
	d.as(name)
	return d
}

func (d *deployer) write(name, text string) {
	d.Helper()
	must(d.T)(nil, os.WriteFile(filepath.Join(d.env.Dir, name), []byte(text), 0o600))
}

// as makes a user that of the kubeconfig. It is an administrator if it has no name.
func (d *deployer) as(user string) {
	d.Helper()
	access := rest.CopyConfig(d.access)
	access.Impersonate.UserName = user
	d.write("kubeconfig", writeKubeconfig(d.T, access))
}

// lacking returns what the user may not do, as doctor says, and the objects that grant it.
func (d *deployer) lacking(ctx context.Context) (rights []string, objects string) {
	d.Helper()
	result, err := Doctor(ctx, d.env, DoctorOptions{})
	if result == nil {
		d.Fatal(err)
	}
	lacking := map[string]bool{}
	for i := range result.Checks {
		check := &result.Checks[i]
		_, detail, found := strings.Cut(check.Detail, "you may not ")
		if check.System != "cluster" || !found || check.Outcome != report.CheckFailed {
			continue
		}
		if ExitCode(err) != ExitStep {
			d.Errorf("exit code %d: %v", ExitCode(err), err)
		}
		detail = regexp.MustCompile(` \(to [^)]*\)| "[^"]*"`).ReplaceAllString(detail, "")
		for right := range strings.SplitSeq(detail, ", ") {
			lacking[right] = true
		}
	}
	return slices.Sorted(maps.Keys(lacking)), manifestsIn(result)
}

// without grants all rights but one, and deploys without it and then with it.
func (d *deployer) without(right string) {
	verb, resource, _ := strings.Cut(right, " ")
	_, objects := d.lacking(d.Context())
	if rule := regexp.MustCompile(`resources: \[[^]]*\b` + resource + `\b[^]]*\], verbs: \[[^]]*\b` + verb + `\b`); !rule.MatchString(objects) {
		d.Errorf("doctor's Role does not grant it\n%s", objects)
	}
	d.grant(objects, verb, resource)
	lacking := []string{right}
	if right == "get secrets" { // the user may list them, which is as good
		lacking = nil
	}
	for begun := time.Now(); ; time.Sleep(50 * time.Millisecond) { // RBAC is cached
		rights, _ := d.lacking(d.Context())
		if slices.Equal(rights, lacking) {
			break
		}
		if time.Since(begun) > 20*time.Second {
			d.Fatalf("doctor says %q", rights)
		}
	}
	_, err := Deploy(d.Context(), d.env, DeployOptions{})
	refusal, said := fmt.Sprintf("cannot %s resource %q", verb, resource), d.events.String()
	switch {
	case len(lacking) == 0:
		if err != nil {
			d.Errorf("%v\n%s", err, said)
		}
	case right == "get persistentvolumeclaims": // the claim may be there
		if err != nil || !strings.Contains(said, refusal) {
			d.Errorf("%v\n%s", err, said)
		}
	case right == "get namespaces": // the namespace may be there
		if ExitCode(err) != ExitStep || !strings.Contains(err.Error(), "has no namespace get-namespaces (these credentials may not get namespaces,") {
			d.Errorf("exit code %d: %v", ExitCode(err), err)
		}
	case ExitCode(err) != ExitStep && ExitCode(err) != ExitUsage, strings.Count(err.Error(), refusal) != 1, strings.Contains(err.Error()+said, "canary"):
		d.Errorf("exit code %d: %v", ExitCode(err), err)
	}
	d.as("")
	if again, err := Deploy(d.Context(), d.env, DeployOptions{}); err != nil || len(again.Jobs) != 1 || again.Jobs[0].Status != "succeeded" {
		d.Errorf("with the right: %+v, %v", again, err)
	}
	ctx, core := d.Context(), d.clients.CoreV1()
	must(d.T)(core.Secrets(d.namespace).Get(ctx, d.name, metav1.GetOptions{}))
	must(d.T)(core.PersistentVolumeClaims(d.namespace).Get(ctx, d.name, metav1.GetOptions{}))
	if values, inventory := configMapsOf(d.T, d.clients, d.name, d.namespace); len(values) != 1 || inventory != "v1 ConfigMap "+d.name+"\n" {
		d.Errorf("the config maps are %q, and the inventory %q", values, inventory)
	}
}

// grant creates objects that doctor prints, without a verb on a resource. In a namespace that the
// deploy has to create, there can be no Role, so a ClusterRole has its rules.
func (d *deployer) grant(objects, verb, resource string) {
	d.Helper()
	ctx, rbac, must, options := d.Context(), d.clients.RbacV1(), must(d.T), metav1.CreateOptions{}
	subjects := []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: d.name}}
	for text := range strings.SplitSeq(objects, "---\n") {
		role := &rbacv1.ClusterRole{} // a Role has the same fields
		must(nil, yaml.Unmarshal([]byte(text), role))
		if role.Kind != "Role" && role.Kind != "ClusterRole" {
			continue
		}
		kind, namespace, named := role.Kind, role.Namespace, metav1.ObjectMeta{Name: role.Name}
		rules := lessOf(role.Rules, verb, resource)
		if kind == "Role" && namespace != sandboxtest.Namespace {
			kind, namespace, named.Name = "ClusterRole", "", named.Name+"-namespaced"
		}
		of := rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: kind, Name: named.Name}
		if kind == "Role" {
			must(rbac.Roles(namespace).Create(ctx, &rbacv1.Role{ObjectMeta: named, Rules: rules}, options))
			must(rbac.RoleBindings(namespace).Create(ctx, &rbacv1.RoleBinding{ObjectMeta: named, Subjects: subjects, RoleRef: of}, options))
		} else {
			must(rbac.ClusterRoles().Create(ctx, &rbacv1.ClusterRole{ObjectMeta: named, Rules: rules}, options))
			must(rbac.ClusterRoleBindings().Create(ctx, &rbacv1.ClusterRoleBinding{ObjectMeta: named, Subjects: subjects, RoleRef: of}, options))
		}
	}
}

// lessOf returns rules without a verb on a resource.
func lessOf(rules []rbacv1.PolicyRule, verb, resource string) []rbacv1.PolicyRule {
	var less []rbacv1.PolicyRule
	for _, rule := range rules {
		for _, one := range rule.Resources {
			single := *rule.DeepCopy()
			single.Resources = []string{one}
			if one == resource {
				single.Verbs = slices.DeleteFunc(single.Verbs, func(v string) bool { return v == verb })
			}
			if len(single.Verbs) > 0 {
				less = append(less, single)
			}
		}
	}
	return less
}
