"""Documents that say what software there is: CycloneDX and SPDX, and what they are made of (purls, licences).

Called by ``services/sbom``.  Everything here is a value in, a value out; nothing here looks into packages or asks the
catalog.
"""
