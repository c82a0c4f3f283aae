package testenv

import (
	"context"
	"net"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/kubernetes"
)

// names is the node's DNS server. The name of a Service is the addresses of its pods, as that of a
// headless Service is: the node has no kube-proxy, so a Service must have the ports of its pods.
type names struct {
	clients kubernetes.Interface
	socket  net.PacketConn
}

// serveNames answers the node's pods until the test ends.
func (n *node) serveNames(clients kubernetes.Interface) *names {
	n.Helper()
	s := &names{clients: clients}
	n.inNetwork(func() (err error) { s.socket, err = net.ListenPacket("udp", nodeAddress+":53"); return err })
	n.Cleanup(func() { _ = s.socket.Close() })
	ctx := n.Context()
	go func() {
		packet := make([]byte, 1232)
		for {
			size, from, err := s.socket.ReadFrom(packet)
			if err != nil {
				return
			}
			var asked dnsmessage.Message
			if asked.Unpack(packet[:size]) != nil || len(asked.Questions) != 1 {
				continue
			}
			if answer, err := s.answer(ctx, asked); err == nil {
				_, _ = s.socket.WriteTo(answer, from)
			}
		}
	}()
	return s
}

func (s *names) answer(ctx context.Context, asked dnsmessage.Message) ([]byte, error) {
	question := asked.Questions[0]
	answer := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: asked.ID, Response: true, Authoritative: true, RecursionDesired: asked.RecursionDesired},
		Questions: asked.Questions,
	}
	service, found := strings.CutSuffix(question.Name.String(), ".svc.cluster.local.")
	var addresses []net.IP
	if name, namespace, _ := strings.Cut(service, "."); found {
		addresses = s.addresses(ctx, name, namespace)
	}
	if len(addresses) == 0 {
		answer.RCode = dnsmessage.RCodeNameError
	}
	for _, ip := range addresses {
		if question.Type == dnsmessage.TypeA {
			answer.Answers = append(answer.Answers, dnsmessage.Resource{
				Header: dnsmessage.ResourceHeader{Name: question.Name, Class: dnsmessage.ClassINET, TTL: 1},
				Body:   &dnsmessage.AResource{A: [4]byte(ip)},
			})
		}
	}
	return answer.Pack()
}

// addresses returns those of the pods of a Service, none if there is no such Service.
func (s *names) addresses(ctx context.Context, name, namespace string) (all []net.IP) {
	service, err := s.clients.CoreV1().Services(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil
	}
	pods, err := s.clients.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{LabelSelector: labels.Set(service.Spec.Selector).String()})
	if err != nil {
		return nil
	}
	for i := range pods.Items {
		if ip := net.ParseIP(pods.Items[i].Status.PodIP).To4(); ip != nil {
			all = append(all, ip)
		}
	}
	return all
}
