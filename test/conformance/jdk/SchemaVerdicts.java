import com.networknt.schema.InputFormat;
import com.networknt.schema.Schema;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.function.Predicate;
import org.everit.json.schema.ValidationException;
import org.everit.json.schema.loader.SchemaLoader;
import org.everit.json.schema.regexp.JavaUtilRegexpFactory;
import org.everit.json.schema.regexp.RE2JRegexpFactory;
import org.everit.json.schema.regexp.RegexpFactory;
import org.json.JSONArray;
import org.json.JSONObject;
import org.json.JSONTokener;

/**
 * Reads `[{"schema": text, "documents": [text, ...]}, ...]` from standard input. Writes, for each of them and for each
 * engine, either which documents the schema takes (`"accepted": [true, false, ...]`) or why the engine does not load
 * the schema (`"refused": text`).
 */
final class SchemaVerdicts {
  interface Engine {
    Predicate<String> load(String schema) throws Exception;
  }

  public static void main(String[] arguments) throws IOException {
    var cases = new JSONArray(new String(System.in.readAllBytes(), StandardCharsets.UTF_8));
    var verdicts = new JSONArray();
    for (var one : cases) {
      var given = (JSONObject) one;
      verdicts.put(new JSONObject()
          .put("everit", verdict(schema -> everit(schema, new JavaUtilRegexpFactory()), given))
          .put("everit with RE2", verdict(schema -> everit(schema, new RE2JRegexpFactory()), given))
          .put("networknt", verdict(SchemaVerdicts::networknt, given)));
    }
    System.out.write(verdicts.toString().getBytes(StandardCharsets.UTF_8));
    System.out.flush();
  }

  private static JSONObject verdict(Engine engine, JSONObject given) {
    try {
      var accepts = engine.load(given.getString("schema"));
      var accepted = new JSONArray();
      for (var document : given.getJSONArray("documents")) accepted.put(accepts.test((String) document));
      return new JSONObject().put("accepted", accepted);
    } catch (Exception thrown) {
      return new JSONObject().put("refused", thrown.toString());
    }
  }

  private static Predicate<String> everit(String text, RegexpFactory patterns) {
    var schema = SchemaLoader.builder().schemaJson(new JSONObject(text)).regexpFactory(patterns).build().load().build();
    return document -> {
      try {
        schema.validate(new JSONTokener(document).nextValue());
        return true;
      } catch (ValidationException invalid) {
        return false;
      }
    };
  }

  private static Predicate<String> networknt(String text) {
    Schema schema = SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_4).getSchema(text, InputFormat.JSON);
    return document -> schema.validate(document, InputFormat.JSON).isEmpty();
  }
}
