/**
 * TEST ONLY. A self-signed certificate for `localhost` and `127.0.0.1`, and its key, valid for 100 years. Nothing outside the tests
 * trusts it, and the key protects nothing. Made with:
 *
 *   openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -days 36500 -nodes -subj /CN=test-only \
 *     -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout key.pem -out cert.pem
 */
export const TEST_ONLY_CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBmjCCAUGgAwIBAgIUEZDP2uIM3Ar14yNtS7Epqyg0kcEwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJdGVzdC1vbmx5MCAXDTI2MTEyOTIwMTAyM1oYDzIxMjYxMTA1
MjAxMDIzWjAUMRIwEAYDVQQDDAl0ZXN0LW9ubHkwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAARbdnmPeRCYHHv8o5XH2RN4Y21beEPT8SedEvzAujCKmXEZ61OnZ0Ez
1Ue96s62tM/jSKPhU7DXHbsCIjn/DewWo28wbTAdBgNVHQ4EFgQUX9vEQE3mvXQe
KPDt0h3+3C/dPZMwHwYDVR0jBBgwFoAUX9vEQE3mvXQeKPDt0h3+3C/dPZMwDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
zj0EAwIDRwAwRAIgFRRpkDvBwagGDMigR+LtgeCqTQiU+qwCcAm0fQic0RsCIG4V
oCfIxm2IC1s8xONAKClJAB42Z3Ylf+dVi2rgpjAs
-----END CERTIFICATE-----`;

export const TEST_ONLY_KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQghXZzyGdto8yorWf0
gGZUMBtres0CvmtaUOmyQR7mXnihRANCAARbdnmPeRCYHHv8o5XH2RN4Y21beEPT
8SedEvzAujCKmXEZ61OnZ0Ez1Ue96s62tM/jSKPhU7DXHbsCIjn/DewW
-----END PRIVATE KEY-----`;
