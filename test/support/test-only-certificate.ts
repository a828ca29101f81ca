/**
 * TEST ONLY. A self-signed certificate for `localhost` and its key, valid for 100 years. Nothing outside the tests
 * trusts it, and the key protects nothing. Made with:
 *
 *   openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -days 36500 -nodes -subj /CN=test-only \
 *     -addext subjectAltName=DNS:localhost -keyout key.pem -out cert.pem
 */
export const TEST_ONLY_CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBlDCCATugAwIBAgIUbMziB+/WW72cAZ7tjSlRtxzZFNQwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJdGVzdC1vbmx5MCAXDTI2MTEyMjA2NDI0M1oYDzIxMjYxMDI5
MDY0MjQzWjAUMRIwEAYDVQQDDAl0ZXN0LW9ubHkwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAARbdnmPeRCYHHv8o5XH2RN4Y21beEPT8SedEvzAujCKmXEZ61OnZ0Ez
1Ue96s62tM/jSKPhU7DXHbsCIjn/DewWo2kwZzAdBgNVHQ4EFgQUX9vEQE3mvXQe
KPDt0h3+3C/dPZMwHwYDVR0jBBgwFoAUX9vEQE3mvXQeKPDt0h3+3C/dPZMwDwYD
VR0TAQH/BAUwAwEB/zAUBgNVHREEDTALgglsb2NhbGhvc3QwCgYIKoZIzj0EAwID
RwAwRAIgaceX9Sjw3RVexxF838+p/0CjO4duVbCL5+uw6xFF8xMCIFqR7OHLKc7a
Ar8/6zRhYIqWG6ymww+NJaBjNlQ6BBIW
-----END CERTIFICATE-----`;

export const TEST_ONLY_KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQghXZzyGdto8yorWf0
gGZUMBtres0CvmtaUOmyQR7mXnihRANCAARbdnmPeRCYHHv8o5XH2RN4Y21beEPT
8SedEvzAujCKmXEZ61OnZ0Ez1Ue96s62tM/jSKPhU7DXHbsCIjn/DewW
-----END PRIVATE KEY-----`;
