package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/httpstream"
	"k8s.io/client-go/tools/remotecommand"
	"k8s.io/client-go/util/exec"
)

// ExitError reports that a command in a pod ended with another exit code than 0.
type ExitError struct{ Code int }

// Error implements error.
func (e *ExitError) Error() string { return fmt.Sprintf("exit code %d", e.Code) }

// Streams are what a command reads and writes. In may be nil.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

// Exec runs a command in the only container of a pod, through the API server and the pod's kubelet. It uses
// WebSockets, or SPDY if the server is older than 1.30 or a proxy supports only SPDY. It returns when the command
// has ended or ctx is done; the command itself then ends when it reads or writes. The error is an *ExitError if the
// command ran and failed.
func (c *Cluster) Exec(ctx context.Context, pod string, command []string, s Streams) error {
	options := &corev1.PodExecOptions{Command: command, Stdin: s.In != nil, Stdout: true, Stderr: true}
	core := c.Client.CoreV1()
	at := core.RESTClient().Post().Resource("pods").Namespace(c.Namespace).Name(pod).SubResource("exec").
		VersionedParams(options, core.parameters).URL()
	sockets, err := remotecommand.NewWebSocketExecutor(forWebSockets(c.config), "GET", at.String())
	if err != nil {
		return fmt.Errorf("run a command in pod %s: %w", pod, err)
	}
	transport, raw, err := newSPDYTransport(c.config)
	if err != nil {
		return fmt.Errorf("run a command in pod %s: %w", pod, err)
	}
	spdy, err := remotecommand.NewSPDYExecutorForTransports(transport, raw, "POST", at)
	if err != nil {
		return fmt.Errorf("run a command in pod %s: %w", pod, err)
	}
	streams := remotecommand.StreamOptions{Stdin: s.In, Stdout: s.Out, Stderr: s.Err}
	err = sockets.StreamWithContext(ctx, streams)
	if httpstream.IsUpgradeFailure(err) || httpstream.IsHTTPSProxyError(err) {
		if err = spdy.StreamWithContext(ctx, streams); raw.failed != nil {
			err = raw.failed
		}
	}
	var ended exec.CodeExitError
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.As(err, &ended):
		return &ExitError{ended.Code}
	case apierrors.IsForbidden(err):
		return fmt.Errorf("run a command in pod %s: %w (needs permission to create pods/exec, which slipway doctor prints as a Role)", pod, err)
	}
	return fmt.Errorf("run a command in pod %s: %w", pod, err)
}

// CreatePod creates a pod in the namespace. Its name makes creating it twice the same as once.
func (c *Cluster) CreatePod(ctx context.Context, pod *corev1.Pod) error {
	_, err := retry(ctx, c, func() (*corev1.Pod, error) {
		return c.Client.CoreV1().Pods(c.Namespace).Create(ctx, pod, metav1.CreateOptions{FieldManager: FieldManager})
	})
	switch {
	case err == nil, apierrors.IsAlreadyExists(err): // an attempt before had reached the server
		return nil
	case c.homeless(err) != nil:
		return fmt.Errorf("create pod %s: %w", pod.Name, c.homeless(err))
	case apierrors.IsForbidden(err):
		return fmt.Errorf("create pod %s in namespace %s of cluster %s: %w (it takes the right to create, get and delete pods, and no quota or policy of the namespace may forbid it)",
			pod.Name, c.Namespace, c.Name, err)
	}
	return fmt.Errorf("create pod %s in namespace %s of cluster %s: %w", pod.Name, c.Namespace, c.Name, err)
}

// Pod returns a pod of the namespace, or nil if there is none of the name.
func (c *Cluster) Pod(ctx context.Context, name string) (*corev1.Pod, error) {
	pod, err := retry(ctx, c, func() (*corev1.Pod, error) {
		return c.Client.CoreV1().Pods(c.Namespace).Get(ctx, name, metav1.GetOptions{})
	})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("get pod %s in namespace %s of cluster %s: %w", name, c.Namespace, c.Name, err)
	}
	return pod, nil
}

// DeletePod deletes a pod of the namespace. One that is not there is no error.
func (c *Cluster) DeletePod(ctx context.Context, name string) error {
	_, err := retry(ctx, c, func() (struct{}, error) {
		return struct{}{}, c.Client.CoreV1().Pods(c.Namespace).Delete(ctx, name, metav1.DeleteOptions{})
	})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("delete pod %s in namespace %s of cluster %s: %w", name, c.Namespace, c.Name, err)
	}
	return nil
}
