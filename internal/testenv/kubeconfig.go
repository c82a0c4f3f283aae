package testenv

import (
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd/api"
)

// Kubeconfig returns access as a kubeconfig. Its current context is named a, and so are the
// cluster and the user of it.
func Kubeconfig(access *rest.Config) *api.Config {
	config := api.NewConfig()
	config.Clusters["a"] = &api.Cluster{Server: access.Host, CertificateAuthority: access.CAFile, CertificateAuthorityData: access.CAData}
	config.AuthInfos["a"] = &api.AuthInfo{
		ClientCertificate: access.CertFile, ClientKey: access.KeyFile, ClientCertificateData: access.CertData, ClientKeyData: access.KeyData,
		Token: access.BearerToken, Impersonate: access.Impersonate.UserName,
	}
	config.Contexts["a"] = &api.Context{Cluster: "a", AuthInfo: "a"}
	config.CurrentContext = "a"
	return config
}
