// One scheduled query rule over a workspace. Every alert of the product is made here.

@description('Azure region of the rule: the region of the workspace.')
param location string

@description('Resource name of the rule.')
@maxLength(260)
param ruleName string

@description('Name of the alert in notifications and in the portal.')
param displayName string

@description('What the alert means and when it resolves.')
param ruleDescription string

@description('Severity, 0 (critical) to 4 (verbose).')
@minValue(0)
@maxValue(4)
param severity int

@description('Query text.')
param query string

@description('How the query\'s rows become a verdict: timeAggregation, metricMeasureColumn, operator, threshold, dimensions, failingPeriods.')
param criterion object

@description('How often the query runs (ISO 8601 duration).')
param evaluationFrequency string

@description('How far back the query looks (ISO 8601 duration, at most P2D).')
param windowSize string

@description('True: the alert resolves by itself.')
param autoMitigate bool

@description('False: the rule is there and not evaluated.')
param isEnabled bool = true

@description('What every alert is told with: operationsApp (name of the app with the operations page; empty: none), runbook (where docs/operations.md is), customProperties (name-value pairs, which may use the alert\'s own fields).')
param context object

@description('Name of the identity that runs the query.')
param identityName string

@description('Name of the workspace.')
param workspaceName string

@description('Name of the action group.')
param actionGroupName string

@description('Name of an identity whose object id takes the place of {frontPrincipalId} in the query; empty: the query has none.')
param frontIdentityName string = ''

@description('The same for {workerPrincipalId}.')
param workerIdentityName string = ''

@description('The same for {apiPrincipalId}.')
param apiIdentityName string = ''

@description('Tags of every resource.')
param tags object

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' existing = {
  name: identityName
}

// The names must be ones even where they are not used.
resource frontIdentity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' existing = {
  name: empty(frontIdentityName) ? identityName : frontIdentityName
}

resource workerIdentity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' existing = {
  name: empty(workerIdentityName) ? identityName : workerIdentityName
}

resource apiIdentity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' existing = {
  name: empty(apiIdentityName) ? identityName : apiIdentityName
}

resource workspace 'Microsoft.OperationalInsights/workspaces@2023-09-01' existing = {
  name: workspaceName
}

// The name must be one even where there is no operations page.
resource operationsApp 'Microsoft.Web/sites@2024-04-01' existing = {
  name: empty(context.operationsApp) ? 'none' : context.operationsApp
}

resource actionGroup 'Microsoft.Insights/actionGroups@2023-01-01' existing = {
  name: actionGroupName
}

// Stands in a query for the time at which the workspace was created: a later deployment does not change that.
var installedInQueries = '2000-01-01T00:00:00Z'
var queryAboutFront = empty(frontIdentityName) ? query : replace(query, '{frontPrincipalId}', frontIdentity.properties.principalId)
var queryAboutWorker = empty(workerIdentityName) ? queryAboutFront : replace(queryAboutFront, '{workerPrincipalId}', workerIdentity.properties.principalId)
var ownQuery = empty(apiIdentityName) ? queryAboutWorker : replace(queryAboutWorker, '{apiPrincipalId}', apiIdentity.properties.principalId)

// Headings of docs/operations.md are the display names of the rules; an address has them as GitHub makes anchors of them.
var anchor = replace(replace(toLower(displayName), ' ', '-'), '\'', '')
var links = union({
  Rule: ruleName
  Runbook: '${context.runbook}#${anchor}'
}, empty(context.operationsApp) ? {} : {
  OperationsPage: 'https://${operationsApp.properties.defaultHostName}/.auth/login/aad?post_login_redirect_uri=/api/dashboard'
})

resource rule 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = {
  name: ruleName
  location: location
  tags: tags
  kind: 'LogAlert'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identity.id}': {}
    }
  }
  properties: {
    displayName: displayName
    description: ruleDescription
    severity: severity
    enabled: isEnabled
    scopes: [
      workspace.id
    ]
    evaluationFrequency: evaluationFrequency
    windowSize: windowSize
    autoMitigate: autoMitigate
    checkWorkspaceAlertsStorageConfigured: false
    // New tables have no rows and new roles take minutes to spread: the service would refuse today a query that works tomorrow.
    skipQueryValidation: true
    criteria: {
      allOf: [
        union(criterion, {
          query: contains(query, installedInQueries) ? replace(ownQuery, installedInQueries, workspace.properties.createdDate) : ownQuery
        })
      ]
    }
    actions: {
      actionGroups: [
        actionGroup.id
      ]
      // What the installation sets takes the place of a link of the same name.
      customProperties: union(links, context.customProperties)
    }
  }
}
