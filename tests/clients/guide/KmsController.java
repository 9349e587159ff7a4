@RestController
@RequestMapping("/api/kms")
public class KmsController {
    
    private final String kmsBaseUrl = "http://localhost:9000/rustfs/admin/v3/kms";
    private final RestTemplate restTemplate = new RestTemplate();
    
    @PostMapping("/keys")
    public ResponseEntity<String> createKey(@RequestParam String keyName) {
        String url = kmsBaseUrl + "/key/create?keyName=" + keyName;
        ResponseEntity<String> response = restTemplate.postForEntity(url, null, String.class);
        return response;
    }
    
    @GetMapping("/keys")
    public ResponseEntity<String> listKeys() {
        String url = kmsBaseUrl + "/key/list";
        ResponseEntity<String> response = restTemplate.getForEntity(url, String.class);
        return response;
    }
}
