// Receives our webhooks with Go's standard library only (Go 1.19 or later):
//
//	SIGNING_SECRETS='whsec_…' STORE=./webhooks PORT=8080 go run receiver.go
package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"io/fs"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const (
	toleranceSeconds = 5 * 60
	// Our bodies are at most a third of it, even with encrypted fields.
	maxBodyBytes = 1024 * 1024
)

var (
	webhookID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	unixTime  = regexp.MustCompile(`^[0-9]{1,12}$`)
)

// receiver verifies, stores and responds. Longer work is done later, from what was stored.
type receiver struct {
	// One key, or two during a rotation.
	keys  [][]byte
	store string
}

func (r receiver) ServeHTTP(response http.ResponseWriter, request *http.Request) {
	response.WriteHeader(r.statusFor(response, request))
}

func (r receiver) statusFor(response http.ResponseWriter, request *http.Request) int {
	body, err := io.ReadAll(http.MaxBytesReader(response, request.Body, maxBodyBytes))
	if err != nil {
		return http.StatusRequestEntityTooLarge
	}
	id, timestamp := request.Header.Get("webhook-id"), request.Header.Get("webhook-timestamp")
	signatures := request.Header.Get("webhook-signature")
	if !webhookID.MatchString(id) || !unixTime.MatchString(timestamp) || signatures == "" {
		return http.StatusBadRequest
	}
	// After a 401 we read your secret again and retry once: it may have been rotated just now.
	if !isGenuine(r.keys, id, timestamp, signatures, body, time.Now()) {
		return http.StatusUnauthorized
	}
	// The connection test: verify it, and store nothing.
	if !strings.HasPrefix(id, "wh_test_") && keep(r.store, id, body) != nil {
		return http.StatusServiceUnavailable
	}
	return http.StatusNoContent
}

// isGenuine says whether a request is ours and recent. The body is the bytes as they arrived.
func isGenuine(keys [][]byte, id, timestamp, signatures string, body []byte, now time.Time) bool {
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if age := now.Unix() - seconds; err != nil || age > toleranceSeconds || age < -toleranceSeconds {
		return false
	}
	for _, key := range keys {
		mac := hmac.New(sha256.New, key)
		io.WriteString(mac, id+"."+timestamp+".")
		mac.Write(body)
		expected := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
		for _, signature := range strings.Split(signatures, " ") {
			if hmac.Equal([]byte(signature), []byte(expected)) { // in constant time
				return true
			}
		}
	}
	return false
}

// keep stores a webhook once for each id, as a file. In a database: INSERT … ON CONFLICT (id) DO NOTHING.
// If you receive several types, store the header event-type too: a body does not name its type.
func keep(store, id string, body []byte) error {
	written, err := os.CreateTemp(store, id+".*.part")
	if err != nil {
		return err
	}
	defer os.Remove(written.Name())
	if _, err := written.Write(body); err != nil {
		return err
	}
	if err := written.Close(); err != nil {
		return err
	}
	// Fails if the id is there already, which is fine: a webhook may arrive twice.
	if err := os.Link(written.Name(), filepath.Join(store, id)); !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// signingKeys decodes the secrets as we gave them, whsec_…, separated by spaces.
func signingKeys(secrets string) (keys [][]byte) {
	for _, secret := range strings.Fields(secrets) {
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
		if err != nil || len(key) < 24 {
			log.Fatal("not a signing secret: whsec_ and the base64 of 24 to 64 bytes")
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		log.Fatal("give the signing secret: SIGNING_SECRETS='whsec_…'")
	}
	return keys
}

func main() {
	server := http.Server{
		Addr:        "127.0.0.1:" + os.Getenv("PORT"),
		Handler:     receiver{signingKeys(os.Getenv("SIGNING_SECRETS")), os.Getenv("STORE")},
		ReadTimeout: 30 * time.Second,
	}
	log.Fatal(server.ListenAndServe())
}
