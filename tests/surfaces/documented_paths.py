"""Every method and path of the legacy surface (contract common section 8, design 2)."""

DOCUMENTED = frozenset(
    tuple(line.split())
    for line in """\
GET /
GET /devices
GET /devices/{serialno}
GET /devices/{serialno}/log/provisioner
GET /devices/{serialno}/log/bootstrap
GET /devices/{serialno}/log/triage
GET /devices/{serialno}/key/public
GET /devices/{serialno}/key/private
GET /devices/{serialno}/flags
POST /devices/{serialno}/flags
POST /internal/state-changed
POST /internal/manufacturing-recorded
GET /images/list
GET /get-images
GET /get-image-metadata
GET /get-image-sha256
GET /analyze-image
POST /delete-image
POST /upload-image
GET /get-boot-package-info
GET /generate-boot-package
POST /generate-boot-package
GET /download-boot-package
GET /options/get
POST /options/set
POST /options/clear-workdir
GET /options/csrf-token
POST /options/validate
GET /options/firmware
GET /options/firmware/list
GET /options/firmware/notes/{version}
POST /options/firmware/set
POST /options/upload-key
POST /options/validate-key
GET /options/keys
POST /options/keys/activate
POST /options/keys/remove
POST /options/keys/register-pkcs11
POST /options/keys/wrap
GET /options/pkcs11-pin-status
GET /options/encryption-status
GET /options/pkcs11-status
POST /options/pkcs11-discover
POST /options/set-pkcs11-pin
POST /options/migrate-secrets
GET /customisation/list-scripts
GET /customisation/get-script
GET /customisation/create-script
GET /customisation/upload-script
POST /customisation/upload-script
GET /customisation/list-hooks
GET /customisation/enable-script
POST /customisation/enable-script
GET /customisation/disable-script
POST /customisation/disable-script
GET /customisation/delete-script
POST /customisation/delete-script
POST /customisation/save-script
GET /services
GET /api/v2/services
GET /service-log/{name}
GET /api/v2/service-log/{name}
GET /manu-db
GET /api/v2/manufacturing
GET /scantool
POST /api/v2/verify-qrcode
GET /auditlog
""".splitlines()
)

DOCUMENTED_SOCKETS = frozenset({"/ws/devices", "/ws/sha256", "/ws/boot-package", "/ws/progress"})
"""Every WebSocket of the legacy surface (the same section)."""
