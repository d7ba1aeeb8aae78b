# What `cmake --install` puts where, and the .deb that CPack makes of it (./dev package).
include(GNUInstallDirs)

install(TARGETS passerelle RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES packaging/gateway.json DESTINATION /etc/passerelle)
install(FILES packaging/passerelle.service DESTINATION lib/systemd/system)
install(FILES packaging/passerelle.socket DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)
install(FILES packaging/completions/passerelle.bash DESTINATION share/bash-completion/completions RENAME passerelle)
install(FILES packaging/completions/passerelle.fish DESTINATION share/fish/vendor_completions.d)
install(FILES packaging/completions/_passerelle DESTINATION share/zsh/vendor-completions)
install(FILES README.md SECURITY.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} RENAME copyright)
install(DIRECTORY docs/operating docs/configuration DESTINATION ${CMAKE_INSTALL_DOCDIR} FILES_MATCHING PATTERN "*.md")
# Made of each verb's --help, by tools/man_pages.sh.
install(DIRECTORY ${CMAKE_BINARY_DIR}/man/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 FILES_MATCHING PATTERN "*.1.gz")

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME passerelle)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "Application gateway that reads Azure's own documents")
set(CPACK_PACKAGE_DESCRIPTION
    "Passerelle carries HTTP and WebSocket traffic as an Azure Application Gateway
definition says: an ARM template, a resource as az shows it, or what Azure's
clients send to its REST API. WebSockets live through reloads and upgrades.")
set(CPACK_PACKAGE_CONTACT "The Passerelle developers <passerelle@localhost>")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "adduser")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
    "${CMAKE_SOURCE_DIR}/packaging/debian/postinst;${CMAKE_SOURCE_DIR}/packaging/debian/prerm;${CMAKE_SOURCE_DIR}/packaging/debian/postrm;${CMAKE_SOURCE_DIR}/packaging/debian/conffiles")
include(CPack)
