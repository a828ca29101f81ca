import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.stream.Stream;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * Receives our webhooks with the JDK only (17 or later):
 *
 * <pre>SIGNING_SECRETS='whsec_…' STORE=./webhooks PORT=8080 java Receiver.java</pre>
 *
 * It verifies, stores and responds. Longer work is done later, from what was stored.
 *
 * @param keys one, or two during a rotation
 */
record Receiver(List<SecretKeySpec> keys, Path store) {
  static final int TOLERANCE_SECONDS = 5 * 60;

  /** Our bodies are at most a third of it, even with encrypted fields. */
  static final int MAX_BODY_BYTES = 1024 * 1024;

  public static void main(String[] arguments) throws IOException {
    var keys = Stream.of(System.getenv("SIGNING_SECRETS").split(" ")).map(Receiver::signingKey).toList();
    var receiver = new Receiver(keys, Path.of(System.getenv("STORE")));
    var server = HttpServer.create(new InetSocketAddress("127.0.0.1", Integer.parseInt(System.getenv("PORT"))), 0);
    server.setExecutor(Executors.newFixedThreadPool(16));
    server.createContext("/", receiver::receive);
    server.start();
  }

  void receive(HttpExchange exchange) throws IOException {
    try (exchange) {
      int status;
      try {
        status = statusFor(exchange);
      } catch (IOException | GeneralSecurityException thrown) {
        status = 503;
      }
      exchange.sendResponseHeaders(status, -1);
    }
  }

  private int statusFor(HttpExchange exchange) throws IOException, GeneralSecurityException {
    byte[] body = exchange.getRequestBody().readNBytes(MAX_BODY_BYTES + 1);
    if (body.length > MAX_BODY_BYTES) return 413;
    var headers = exchange.getRequestHeaders();
    var id = headers.getFirst("webhook-id");
    var timestamp = headers.getFirst("webhook-timestamp");
    var signatures = headers.getFirst("webhook-signature");
    if (id == null || !id.matches("[A-Za-z0-9_-]{1,64}")) return 400;
    if (timestamp == null || !timestamp.matches("[0-9]{1,12}") || signatures == null) return 400;
    // After a 401 we read your secret again and retry once: it may have been rotated just now.
    if (!isGenuine(id, timestamp, signatures, body)) return 401;
    // The connection test: verify it, and store nothing.
    if (!id.startsWith("wh_test_")) keep(id, body);
    return 204;
  }

  /** Whether a request is ours and recent. The body is the bytes as they arrived. */
  private boolean isGenuine(String id, String timestamp, String signatures, byte[] body)
      throws GeneralSecurityException {
    if (Math.abs(Instant.now().getEpochSecond() - Long.parseLong(timestamp)) > TOLERANCE_SECONDS) return false;
    for (var key : keys) {
      var mac = Mac.getInstance("HmacSHA256");
      mac.init(key);
      mac.update((id + "." + timestamp + ".").getBytes(StandardCharsets.UTF_8));
      var expected = ("v1," + Base64.getEncoder().encodeToString(mac.doFinal(body))).getBytes(StandardCharsets.UTF_8);
      for (var signature : signatures.split(" ")) {
        // In constant time.
        if (MessageDigest.isEqual(signature.getBytes(StandardCharsets.UTF_8), expected)) return true;
      }
    }
    return false;
  }

  /**
   * Stores a webhook once for each id, as a file. In a database: INSERT … ON CONFLICT (id) DO NOTHING. If you receive several
   * types, store the header event-type too: a body does not name its type.
   */
  private void keep(String id, byte[] body) throws IOException {
    var written = Files.write(Files.createTempFile(store, id, ".part"), body);
    try {
      Files.createLink(store.resolve(id), written);
    } catch (FileAlreadyExistsException thrown) {
      // It is there already, which is fine: a webhook may arrive twice.
    } finally {
      Files.delete(written);
    }
  }

  /** Decodes a secret as we gave it, whsec_…. */
  private static SecretKeySpec signingKey(String secret) {
    byte[] key = Base64.getDecoder().decode(secret.replaceFirst("^whsec_", ""));
    if (key.length < 24) {
      throw new IllegalArgumentException("not a signing secret: whsec_ and the base64 of 24 to 64 bytes");
    }
    return new SecretKeySpec(key, "HmacSHA256");
  }
}
