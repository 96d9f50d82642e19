package sandbox

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"hash/crc32"
	"math/big"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// ppSigner is the name on PayPal's own signing certificates.
const ppSigner = "messageverificationcerts.paypal.com"

// ppKeys is what webhooks are signed with. The root signs an intermediate, and that one the signer, as with PayPal.
type ppKeys struct {
	Name  string `json:"name"`  // of the file that is served
	Root  string `json:"root"`  // PEM
	Chain string `json:"chain"` // PEM: the signer, then the intermediate
	Key   string `json:"key"`   // PEM
}

// freshKeys are made once a process: an RSA key takes its time, and tests start many sandboxes.
var freshKeys = sync.OnceValues(makeKeys)

func makeKeys() (ppKeys, error) {
	from, to := time.Now().AddDate(-1, 0, 0), time.Now().AddDate(30, 0, 0)
	authority := func(serial int64, name string) *x509.Certificate {
		return &x509.Certificate{SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name, Organization: []string{"Vitrine sandbox"}}, NotBefore: from, NotAfter: to,
			IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign}
	}
	rootKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return ppKeys{}, fmt.Errorf("make root key: %w", err)
	}
	midKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return ppKeys{}, fmt.Errorf("make intermediate key: %w", err)
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return ppKeys{}, fmt.Errorf("make signing key: %w", err)
	}
	root, mid := authority(1, "Vitrine sandbox root"), authority(2, "Vitrine sandbox issuer")
	leaf := &x509.Certificate{SerialNumber: big.NewInt(3), Subject: pkix.Name{CommonName: ppSigner, Organization: []string{"Vitrine sandbox"}}, DNSNames: []string{ppSigner}, NotBefore: from, NotAfter: to,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}
	var out [3]string
	for i, c := range []struct {
		cert, by *x509.Certificate
		pub      any
		signer   crypto.Signer
	}{{root, root, &rootKey.PublicKey, rootKey}, {mid, root, &midKey.PublicKey, rootKey}, {leaf, mid, &key.PublicKey, midKey}} {
		der, err := x509.CreateCertificate(rand.Reader, c.cert, c.by, c.pub, c.signer)
		if err != nil {
			return ppKeys{}, fmt.Errorf("make certificate: %w", err)
		}
		out[i] = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	}
	own, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return ppKeys{}, fmt.Errorf("write signing key: %w", err)
	}
	sum := sha256.Sum256([]byte(out[2]))
	return ppKeys{Name: fmt.Sprintf("CERT-%x-%x-%x", sum[:4], sum[4:8], sum[8:12]), Root: out[0], Chain: out[2] + out[1],
		Key: string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: own}))}, nil
}

// signing are the keys of this sandbox; the first use makes them, and the store keeps them.
func (pp *PayPal) signing() (ppKeys, error) {
	var k ppKeys
	var has bool
	pp.db.see(func() { k, has = pp.keys.rows["signing"] })
	if has {
		return k, nil
	}
	fresh, err := freshKeys()
	if err != nil {
		return k, err
	}
	err = pp.db.do(pp.srv.Now, func(t *tx) error {
		if k, has = pp.keys.rows["signing"]; !has {
			k = fresh
			put(t, pp.keys, "signing", k)
		}
		return nil
	})
	return k, err
}

// CACert is the root, in PEM, that the certificates of webhooks come from: the product trusts it in place of the
// machine's own roots.
func (pp *PayPal) CACert() []byte {
	k, err := pp.signing()
	if err != nil {
		pp.srv.log.Error("sandbox: paypal certificate", "error", err)
	}
	return []byte(k.Root)
}

// CertURL is where the signer's chain is served.
func (pp *PayPal) CertURL() string {
	k, err := pp.signing()
	if err != nil {
		pp.srv.log.Error("sandbox: paypal certificate", "error", err)
	}
	return pp.certURL(k)
}

func (pp *PayPal) certURL(k ppKeys) string { return pp.URL() + "/certs/" + k.Name }

func (pp *PayPal) chain(w http.ResponseWriter, r *http.Request) {
	k, err := pp.signing()
	if err != nil || r.PathValue("name") != k.Name {
		http.Error(w, "no such certificate", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "application/x-pem-file")
	_, _ = w.Write([]byte(k.Chain))
}

// Sign makes the headers of a delivery. What is signed is the transmission's number and time, the webhook's number and
// the checksum of the body.
func (pp *PayPal) Sign(transmission string, at time.Time, webhook string, body []byte) (http.Header, error) {
	k, err := pp.signing()
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode([]byte(k.Key))
	if block == nil {
		return nil, fmt.Errorf("read signing key: not PEM")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("read signing key: %w", err)
	}
	key, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("read signing key: %T", parsed)
	}
	stamp := at.UTC().Format(time.RFC3339)
	sum := sha256.Sum256([]byte(ppSigned(transmission, stamp, webhook, body)))
	sig, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	h := http.Header{}
	for name, v := range map[string]string{"PAYPAL-TRANSMISSION-ID": transmission, "PAYPAL-TRANSMISSION-TIME": stamp, "PAYPAL-TRANSMISSION-SIG": base64.StdEncoding.EncodeToString(sig),
		"PAYPAL-CERT-URL": pp.certURL(k), "PAYPAL-AUTH-ALGO": "SHA256withRSA"} {
		h.Set(name, v)
	}
	return h, nil
}

func ppSigned(transmission, stamp, webhook string, body []byte) string {
	return transmission + "|" + stamp + "|" + webhook + "|" + strconv.FormatUint(uint64(crc32.ChecksumIEEE(body)), 10)
}

// verifySignature is PayPal's own check of a delivery. It takes the event as a part of the request's body, so only
// one that is passed on byte for byte can hold.
func (pp *PayPal) verifySignature(c *ppCall) (ppReply, error) {
	var in struct {
		Algo    string          `json:"auth_algo"`
		Cert    string          `json:"cert_url"`
		ID      string          `json:"transmission_id"`
		Sig     string          `json:"transmission_sig"`
		Time    string          `json:"transmission_time"`
		Webhook string          `json:"webhook_id"`
		Event   json.RawMessage `json:"webhook_event"`
	}
	if err := c.read(&in); err != nil {
		return ppReply{}, err
	}
	answer := func(ok bool) (ppReply, error) {
		return ppReply{Status: http.StatusOK, Body: obj{"verification_status": map[bool]string{true: "SUCCESS", false: "FAILURE"}[ok]}}, nil
	}
	k, has := pp.keys.rows["signing"]
	if !has || in.Algo != "SHA256withRSA" || in.Cert != pp.certURL(k) {
		return answer(false)
	}
	block, _ := pem.Decode([]byte(k.Chain))
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return ppReply{}, err
	}
	sig, err := base64.StdEncoding.DecodeString(in.Sig)
	if err != nil {
		return answer(false)
	}
	return answer(cert.CheckSignature(x509.SHA256WithRSA, []byte(ppSigned(in.ID, in.Time, in.Webhook, in.Event)), sig) == nil)
}
